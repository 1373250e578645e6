/// What becomes of an option when a machine is recorded.
enum RecordingRule: Sendable {
  /// Stays, here and in replays.
  case keep
  /// Stays while recording; a replay doesn't need it.
  case recordOnly
  /// Is left out.
  case drop(why: String)
  /// Can't be recorded.
  case refuse(why: String)
  /// Has code of its own.
  case rewrite

  /// Why QEMU itself refuses to record it.
  private static let blocked = "QEMU can't record and replay it (docs/system/replay.rst)"

  /// The rule of the option `name`; every option that isn't listed stays.
  ///
  /// Sources: QEMU 7.2 docs/system/replay.rst; the calls of replay_add_blocker in softmmu/vl.c and
  /// softmmu/rtc.c; qemu-options.hx.
  static func of(_ name: String) -> RecordingRule { table[name] ?? .keep }

  static let table: [String: RecordingRule] = [
    // Disks: an overlay of the recording's own over each, behind blkreplay.
    "drive": .rewrite, "hda": .rewrite, "hdb": .rewrite, "hdc": .rewrite, "hdd": .rewrite,
    "cdrom": .rewrite, "fda": .rewrite, "fdb": .rewrite, "sd": .rewrite, "mtdblock": .rewrite,
    "pflash": .rewrite, "blockdev": .rewrite,
    "snapshot": .drop(why: "disks get overlays of the recording's own, so no image is written"),
    "iscsi": .refuse(why: "disks over iSCSI can't be put behind an overlay here"),
    "virtfs": .refuse(why: "what the guest reads from a shared directory isn't recorded"),
    "fsdev": .refuse(why: "what the guest reads from a shared directory isn't recorded"),
    // Network.
    "netdev": .rewrite, "nic": .rewrite, "net": .rewrite,
    // Time, processors, accelerators.
    "rtc": .rewrite, "icount": .rewrite, "smp": .rewrite, "accel": .rewrite, "machine": .rewrite,
    "M": .rewrite, "cpu": .rewrite, "device": .rewrite, "object": .rewrite,
    "enable-kvm": .drop(why: "only TCG counts instructions"),
    "enable-hax": .drop(why: "only TCG counts instructions"),
    "xen-domid": .refuse(why: blocked), "xen-attach": .refuse(why: blocked),
    "xen-create": .refuse(why: blocked),
    // State from elsewhere, and processes that go their own way.
    "incoming": .refuse(why: "a recording begins with the machine's start"),
    "loadvm": .refuse(why: "a recording begins with the machine's start"),
    "daemonize": .refuse(why: "the recorder waits for QEMU's end, so it stays in the foreground"),
    "preconfig": .refuse(why: "a machine that is put together by its monitor isn't recorded"),
    "chroot": .refuse(why: "the recording's files lie outside"),
    "readconfig": .refuse(why: "options in a file aren't rewritten; give them on the command line"),
    "tpmdev": .refuse(why: "what a TPM answers isn't recorded"),
    "qtest": .refuse(why: "its clock isn't the guest's"),
    "usbdevice": .rewrite, "chardev": .rewrite,
    "add-fd": .refuse(why: "a replay has no such descriptor"),
    // For people and other programs: of no use in a replay, or in its way.
    "serial": .rewrite, "monitor": .rewrite, "parallel": .rewrite, "debugcon": .rewrite,
    "qmp": .recordOnly, "qmp-pretty": .recordOnly, "mon": .recordOnly,
    "gdb": .recordOnly, "s": .recordOnly, "pidfile": .recordOnly, "display": .rewrite,
    "vnc": .recordOnly, "spice": .recordOnly, "full-screen": .recordOnly, "sdl": .recordOnly,
    "curses": .recordOnly, "S": .recordOnly, "D": .recordOnly, "d": .recordOnly,
    "trace": .recordOnly, "nographic": .rewrite, "no-reboot": .keep, "no-shutdown": .recordOnly,
    "action": .keep,
  ]

  /// Tried with 7.2: a replay that begins at a snapshot stands still after a few instructions. Restoring
  /// an e1000 arms a timer one nanosecond ahead, which the recording hadn't (7.2 and 10.2
  /// hw/net/e1000.c, e1000_post_load).
  static let intelCards = "keeps a replay from going on after a snapshot is restored"

  /// Devices, by how their names begin, whose input isn't recorded, and why. Source: QEMU 7.2
  /// docs/system/replay.rst, which lists what is: keyboard, mouse, serial ports, network, audio, clocks.
  static let devices: [(prefix: String, why: String)] = [
    ("vfio-", "what a device of the host's does isn't recorded"),
    ("vhost-", "another program or the host's kernel writes the guest's memory"),
    ("ivshmem", "other programs write the memory that it shares"),
    ("virtio-9p", "what the guest reads from a shared directory isn't recorded"),
    ("usb-host", "what a device of the host's does isn't recorded"),
    ("usb-redir", "what a device of another machine's does isn't recorded"),
    ("scsi-generic", "what a device of the host's does isn't recorded"),
    ("scsi-block", "what a device of the host's does isn't recorded"),
    ("tpm-", "what a TPM answers isn't recorded"),
    ("u2f-passthru", "what a device of the host's does isn't recorded"),
    ("ccid-card-passthru", "what a device of the host's does isn't recorded"),
    ("virtio-pmem", "its file would be written"),
    ("nvdimm", "its file would be written"),
    ("e1000", intelCards + "; use rtl8139 or virtio-net-pci"),
    // 7.2: "State blocked by non-migratable device".
    ("nvme", "QEMU can't save its state, so no snapshot could be made; use virtio-blk-pci"),
    ("qxl", "it works with SPICE's threads, which aren't recorded"),
    ("virtio-gpu-gl", "what the host's graphics card does isn't recorded"),
    ("virtio-vga-gl", "what the host's graphics card does isn't recorded"),
  ]

  /// Why recordings of the release, emulating what `program` does, can't be replayed; nil if they can, or
  /// if nobody tried. Tried: 5.2, 6.2, 7.2, 8.2, 10.0, 11.1 for x86-64 (docs/recording.md).
  static func refusal(of release: QEMURelease, _ program: String) -> String? {
    if release < QEMURelease(5, 2) {
      return "the form of its log isn't known; 5.2 is the oldest that is"
    }
    if release >= QEMURelease(11, 0), EngineArchitecture.of(program)?.name == "x86_64" {
      return "its replays stand still after a snapshot is restored; use 5.2 to 10"
    }
    return nil
  }

  /// Network backends that bypass QEMU's filters, or don't. Source: QEMU net/vhost-*.c.
  static let networks: [String: String] = [
    "vhost-user": "another program writes the guest's memory",
    "vhost-vdpa": "the host's kernel writes the guest's memory",
    "hubport": "a hub joins networks past the filter; give each device a -netdev of its own",
  ]
}
