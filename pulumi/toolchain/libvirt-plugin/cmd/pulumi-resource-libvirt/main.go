// Command pulumi-resource-libvirt is the Pulumi provider plugin for libvirt.
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/dmacvicar/terraform-provider-libvirt/libvirt"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi/pkg/v3/resource/provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/cmdutil"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/logging"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"

	"limen.local/toolchain/libvirt-plugin/bridge"
)

// schema.json is written by pulumi-tfgen-libvirt just before this command is built; it is not in Git.
//
//go:embed schema.json
var schema []byte

// linger is how long the plugin outlives the engine's server. The engine closes that server before it takes leave of
// its plugins one by one (Cancel, then an interrupt). A plugin that goes with the server, as the bridge's own Main
// does, is gone by then if another plugin was closed first: the engine waits 5 s for it and reports a crash.
const linger = 10 * time.Second

func main() {
	version := flag.Bool("version", false, "print the version and exit")
	tracing := flag.String("tracing", "", "send traces to this endpoint")
	flag.Parse()
	if *version {
		fmt.Println(bridge.Version)
		return
	}
	defer libvirt.CleanupLibvirtConnections()
	if err := serve(*tracing, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serve answers the engine at the address that is the only argument; without one it waits to be attached.
func serve(tracing string, args []string) error {
	if len(args) > 1 {
		return errors.New("at most one argument is taken: the address of the engine")
	}
	logging.InitLogging(false, 0, false)
	cmdutil.InitTracing(bridge.Package, bridge.Package, tracing)
	info := bridge.Info()
	ctx := context.Background()
	info.P.InitLogging(ctx)

	var host *provider.HostClient
	var ended chan bool
	if len(args) == 1 {
		var err error
		if host, err = provider.NewHostClient(args[0]); err != nil {
			return fmt.Errorf("cannot connect to the engine at %s: %w", args[0], err)
		}
		ended = make(chan bool)
		engineGone := func() { time.AfterFunc(linger, func() { close(ended) }) }
		if err := rpcutil.Healthcheck(ctx, args[0], 5*time.Minute, engineGone); err != nil {
			return fmt.Errorf("cannot watch the engine at %s: %w", args[0], err)
		}
	}
	handle, err := rpcutil.ServeWithOptions(rpcutil.ServeOptions{
		Cancel: ended,
		Init: func(server *grpc.Server) error {
			pulumirpc.RegisterResourceProviderServer(
				server, tfbridge.NewProvider(ctx, host, bridge.Package, bridge.Version, info.P, info, schema))
			return nil
		},
		Options: rpcutil.OpenTracingServerInterceptorOptions(nil),
	})
	if err != nil {
		return err
	}
	fmt.Println(handle.Port) // the engine reads it
	return <-handle.Done
}
