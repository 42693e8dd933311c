"""The host's observer: reports what libvirt shows to the control plane."""
