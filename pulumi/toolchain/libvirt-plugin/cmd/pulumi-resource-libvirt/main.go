// Command pulumi-resource-libvirt is the Pulumi provider plugin for libvirt.
package main

import (
	_ "embed"

	"github.com/dmacvicar/terraform-provider-libvirt/libvirt"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"

	"limen.local/toolchain/libvirt-plugin/bridge"
)

// schema.json is written by pulumi-tfgen-libvirt just before this command is built; it is not in Git.
//
//go:embed schema.json
var schema []byte

func main() {
	defer libvirt.CleanupLibvirtConnections()
	tfbridge.Main(bridge.Package, bridge.Version, bridge.Info(), schema)
}
