#!/bin/sh
# Runs inside the new system, as the last step of mmdebstrap: makes it a quick guest. Every line that is here for
# speed was measured under emulation, where a forked process costs tens of milliseconds.
set -eu

printf 'LABEL=limen-root / ext4 rw,noatime 0 0\n' >/etc/fstab
printf 'guest\n' >/etc/hostname
: >/etc/machine-id
rm -f /etc/ssh/ssh_host_* /var/lib/dbus/machine-id /etc/apt/apt.conf.d/99mmdebstrap
rm -rf /usr/share/man/* /usr/share/locale/*
find /usr/share/doc -type f ! -name copyright -delete
# The interpreter would compile it anew at each boot otherwise.
py3compile -p cloud-init >/dev/null 2>&1 || true

cat >/etc/cloud/cloud.cfg.d/90_limen.cfg <<'END'
datasource_list: [NoCloud, None]
manage_etc_hosts: true
ssh_genkeytypes: [ed25519]
growpart: {mode: "off"}
apt_preserve_sources_list: true
system_info: {network: {renderers: [eni]}}
cloud_init_modules: [seed_random, bootcmd, write_files, resizefs, disk_setup, mounts, set_hostname,
    update_etc_hosts, ca_certs, users_groups, ssh]
cloud_config_modules: [set_passwords, ntp, timezone, apt_configure, runcmd]
cloud_final_modules: [package_update_upgrade_install, write_files_deferred, scripts_vendor, scripts_per_once,
    scripts_per_boot, scripts_per_instance, scripts_user, final_message, power_state_change]
END

# The generator runs a long shell script at each boot to find out whether there is a data source. There is.
mkdir -p /etc/systemd/system-generators /etc/systemd/system/multi-user.target.wants
for name in cloud-init-generator systemd-cryptsetup-generator systemd-gpt-auto-generator \
    systemd-hibernate-resume-generator systemd-integritysetup-generator systemd-rc-local-generator \
    systemd-run-generator systemd-system-update-generator systemd-sysv-generator systemd-veritysetup-generator; do
    ln -sf /dev/null "/etc/systemd/system-generators/$name"
done
ln -sf /lib/systemd/system/cloud-init.target /etc/systemd/system/multi-user.target.wants/cloud-init.target

systemctl mask --quiet apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
    e2scrub_reap.service fstrim.timer systemd-pstore.service getty@tty1.service remote-fs.target \
    sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount sys-fs-fuse-connections.mount \
    dev-hugepages.mount dev-mqueue.mount systemd-binfmt.service proc-sys-fs-binfmt_misc.automount \
    modprobe@configfs.service modprobe@dm_mod.service modprobe@drm.service modprobe@fuse.service \
    modprobe@loop.service systemd-modules-load.service kmod-static-nodes.service systemd-sysusers.service \
    systemd-update-utmp.service systemd-update-utmp-runlevel.service \
    cloud-init-hotplugd.socket cloud-init-hotplugd.service

# SSH first, then what nobody waits for.
for unit in cloud-config.service dbus.service systemd-logind.service serial-getty@.service; do
    mkdir -p "/etc/systemd/system/$unit.d"
    printf '[Unit]\nAfter=ssh.service\n' >"/etc/systemd/system/$unit.d/limen.conf"
done
mkdir -p /etc/systemd/journald.conf.d
printf '[Journal]\nStorage=volatile\n' >/etc/systemd/journald.conf.d/limen.conf

# At boot udev looks at what a guest has; 64 virtual terminals and their like are not worth an event each.
# Devices plugged in later make their own events.
mkdir -p /etc/systemd/system/systemd-udev-trigger.service.d
cat >/etc/systemd/system/systemd-udev-trigger.service.d/limen.conf <<'END'
[Service]
ExecStart=
ExecStart=-udevadm trigger --type=devices --action=add --subsystem-match=pci --subsystem-match=virtio \
    --subsystem-match=block --subsystem-match=net --subsystem-match=virtio-ports --subsystem-match=scsi \
    --subsystem-match=acpi --subsystem-match=input
ExecStart=-udevadm trigger --type=devices --action=add --subsystem-match=tty --sysname-match=ttyS0 \
    --sysname-match=hvc0
END
for rule in 60-autosuspend 60-drm 60-fido-id 60-persistent-alsa 60-persistent-input 60-persistent-storage-tape \
    60-persistent-v4l 60-sensor 64-btrfs 70-camera 70-joystick 70-memory 70-mouse 70-touchpad 75-probe_mtd \
    78-sound-card 90-console-setup 95-dm-notify 96-e2scrub; do
    ln -sf /dev/null "/etc/udev/rules.d/$rule.rules"
done
# Emulation makes these slower than doing without.
for module in kvm kvm_amd kvm_intel aesni_intel crc32_pclmul crc32c_intel crct10dif_pclmul ghash_clmulni_intel \
    polyval_clmulni sha1_ssse3 sha256_ssse3 sha512_ssse3 floppy pcspkr psmouse qemu_fw_cfg serio_raw sg; do
    echo "blacklist $module"
done >/etc/modprobe.d/limen.conf

# The initrd of ours: busybox, virtio and one script. Debian's own takes eight seconds longer.
version=$(ls /lib/modules)
tree=$(mktemp -d)
mkdir "$tree/bin" "$tree/modules"
cp /bin/busybox "$tree/bin/"
install -m 755 /limen-initrd-init "$tree/init"
for module in virtio_pci virtio_blk virtio_net; do
    modprobe --set-version "$version" --show-depends "$module" | while read -r word file _; do
        if [ "$word" = insmod ] && ! ls "$tree/modules" | grep -q -- "-$(basename "$file")\$"; then
            number=$(ls "$tree/modules" | wc -l)
            target="$tree/modules/$((number + 10))-$(basename "$file")"
            case $file in # Debian 13 compresses them, and busybox loads them as they are only
                *.xz) /bin/busybox unxz -c "$file" >"$target" ;;
                *) cp "$file" "$target" ;;
            esac
        fi
    done
done
(cd "$tree" && find . | LC_ALL=C sort | cpio --quiet --reproducible -o -H newc) >"/boot/initrd.img-$version"
rm -rf "$tree" /limen-initrd-init
