#!/bin/sh
# Networks behind the guest, as a hypervisor has them: `inner` hangs on virbr7 and is declared internal, `outer` on
# virbr8 is not. Each holds one machine (a network namespace) with a listener on ports 22 and 80.
set -eu
# A container has no modules of its own: the machine has loaded them for its network.
if [ -d "/lib/modules/$(uname -r)" ]; then modprobe -a bridge veth; fi
sysctl -q -w net.ipv4.ip_forward=1
for name in inner outer; do
    case $name in inner) net=7 ;; outer) net=8 ;; esac
    ip link add virbr$net type bridge
    ip address add 10.$net.0.1/24 dev virbr$net
    ip link set virbr$net up
    ip netns add $name
    ip link add v$name type veth peer name eth0 netns $name
    ip link set v$name master virbr$net up
    ip -n $name link set lo up
    ip -n $name address add 10.$net.0.2/24 dev eth0
    ip -n $name link set eth0 up
    ip -n $name route add default via 10.$net.0.1
    for port in 22 80; do
        systemd-run --quiet --unit=$name-$port ip netns exec $name nc -lk $port
    done
done
# On the host itself.
for port in 53 8080 8081 8082; do
    systemd-run --quiet --unit=host-$port nc -lk $port
done
