// Package bridge maps the Terraform provider for libvirt to the Pulumi package libvirt.
//
// The names are those of the PyPI package pulumi-libvirt 0.5.4, whose users this plugin serves:
// tests/integration/test_toolchain.py compares the two.
package bridge

import (
	"github.com/dmacvicar/terraform-provider-libvirt/libvirt"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	shimv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
)

// Package is the name of the Pulumi package, module the only module that it has.
const (
	Package = "libvirt"
	module  = "index"
)

// Version is that of the PyPI SDK which the plugin serves: the engine looks the plugin up by it.
var Version = "0.5.4"

func resource(name string) *tfbridge.ResourceInfo {
	return &tfbridge.ResourceInfo{Tok: tfbridge.MakeResource(Package, module, name)}
}

func dataSource(name string) *tfbridge.DataSourceInfo {
	return &tfbridge.DataSourceInfo{Tok: tfbridge.MakeDataSource(Package, module, name)}
}

// Info describes the provider to the bridge.
func Info() tfbridge.ProviderInfo {
	return tfbridge.ProviderInfo{
		P:           shimv2.NewProvider(libvirt.Provider()),
		Name:        Package,
		Version:     Version,
		Description: "A Pulumi package for libvirt resources.",
		License:     "Apache-2.0",
		GitHubOrg:   "dmacvicar",
		Config: map[string]*tfbridge.SchemaInfo{
			"uri": {Default: &tfbridge.DefaultInfo{EnvVars: []string{"LIBVIRT_DEFAULT_URI"}}},
		},
		Resources: map[string]*tfbridge.ResourceInfo{
			// Spelled cloudInitDisk in the SDK, not cloudinitDisk as the Terraform name suggests.
			"libvirt_cloudinit_disk": resource("CloudInitDisk"),
			"libvirt_combustion":     resource("Combustion"),
			"libvirt_domain":         resource("Domain"),
			"libvirt_ignition":       resource("Ignition"),
			"libvirt_network":        resource("Network"),
			"libvirt_pool":           resource("Pool"),
			"libvirt_volume":         resource("Volume"),
		},
		DataSources: map[string]*tfbridge.DataSourceInfo{
			"libvirt_network_dns_host_template":        dataSource("getNetworkDnsHostTemplate"),
			"libvirt_network_dns_srv_template":         dataSource("getNetworkDnsSrvTemplate"),
			"libvirt_network_dnsmasq_options_template": dataSource("getNetworkDnsmasqOptionsTemplate"),
			"libvirt_node_device_info":                 dataSource("getNodeDeviceInfo"),
			"libvirt_node_devices":                     dataSource("getNodeDevices"),
			"libvirt_node_info":                        dataSource("getNodeInfo"),
		},
	}
}
