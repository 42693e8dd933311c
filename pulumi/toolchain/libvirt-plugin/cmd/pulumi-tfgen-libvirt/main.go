// Command pulumi-tfgen-libvirt writes the schema of the Pulumi package libvirt.
package main

import (
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfgen"

	"limen.local/toolchain/libvirt-plugin/bridge"
)

func main() {
	tfgen.Main(bridge.Package, bridge.Version, bridge.Info())
}
