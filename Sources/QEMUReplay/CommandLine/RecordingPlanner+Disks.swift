/// Disks. Source: QEMU 7.2 docs/system/replay.rst, "Block devices" and "Snapshotting":
///
///     disk0.qcow2 (overlay, holds what is written and the snapshots)  →  the user's image, read only
///     blkreplay over the overlay: completes requests at the recorded moments
///     the guest's controller
extension RecordingPlanner {
  mutating func rewriteDisk(_ option: QEMUArguments.Option) throws(ReplayError) {
    guard let value = option.value else { return keep(option) }
    let drive = Self.drive(option.name, value)
    let interface = drive.value("if")
    let isReadOnly = drive.flag("readonly") ?? drive.flag("read-only") ?? false
    guard let image = drive.value("file"), !image.isEmpty else {
      guard drive.value("driver") == nil, !drive.hasDottedKeys else {
        throw .refused(option: option.text, reason: "name the disk's image by file=")
      }
      return keep(option)
    }
    guard !drive.hasDottedKeys else {
      throw .refused(option: option.text, reason: "name the disk's image by file= alone")
    }
    if let scheme = Self.scheme(image) {
      throw .refused(
        option: option.text, reason: "an image over \(scheme) can't be put behind an overlay here")
    }
    plan.inputs.append(RecordingPlan.Input(option: option.name, path: image))
    if interface == "pflash", isReadOnly { return keep(option) }
    let number = diskCount
    diskCount += 1
    let node = "varve-disk\(number)"
    if isReadOnly || drive.value("media") == "cdrom" {
      let format = drive.value("format") ?? "raw"
      return change(
        option,
        to: [
          Self.node(format, node, file: image, isReadOnly: true),
          .init("drive", front(drive, over: node).setting("readonly", to: "on").text),
        ], "requests to it complete at the recorded moments")
    }
    let overlay = "disk\(number).qcow2"
    plan.disks.append(
      RecordingPlan.Disk(overlay: overlay, image: image, format: drive.value("format")))
    let path = "\(RecordingPlan.directoryToken)/\(overlay)"
    if interface == "pflash" {
      // The flash chip reads and writes its image at once, by the CPU's own accesses: nothing to record.
      return change(
        option,
        to: [.init("drive", drive.setting("file", to: path).setting("format", to: "qcow2").text)],
        "the image isn't written: an overlay is")
    }
    change(
      option,
      to: [
        Self.node("qcow2", node, file: path, isReadOnly: false),
        .init("drive", front(drive, over: node).text),
      ], "the image isn't written: an overlay is; requests to it complete at the recorded moments")
  }

  /// An image for the snapshots of the machine's state, before all disks: QEMU takes the first that can
  /// hold them, and hangs if that is a blkreplay (7.2: closing the state flushes it, and flushes are
  /// events that wait for the guest).
  mutating func addSnapshotImage() {
    change(
      nil,
      to: [
        .init(
          "drive",
          "file=\(RecordingPlan.directoryToken)/\(RecordingPlan.snapshotImageName),format=qcow2,"
            + "if=none,id=varve-snapshots")
      ], "holds snapshots of the machine's state")
  }

  /// The drive that the guest sees, over `node`.
  private func front(_ drive: OptionList, over node: String) -> OptionList {
    OptionList(
      members: [.init(key: "driver", value: "blkreplay"), .init(key: "image", value: node)]
        + drive.members.filter { Self.frontKeys.contains($0.key ?? "") })
  }

  /// What of `-drive` is about the guest's side. Source: QEMU 7.2 blockdev.c, qemu_legacy_drive_opts;
  /// the rest is about the image.
  private static let frontKeys: Set<String> = [
    "if", "id", "index", "bus", "unit", "media", "werror", "rerror",
  ]

  /// A disk's option as `-drive` would say it. Source: QEMU 7.2 softmmu/vl.c, drive_add.
  private static func drive(_ name: String, _ value: String) -> OptionList {
    let file = OptionList.Member(key: "file", value: value)
    func list(_ members: [(String, String)]) -> OptionList {
      OptionList(members: members.map { .init(key: $0, value: $1) } + [file])
    }
    return switch name {
    case "hda": list([("index", "0"), ("media", "disk")])
    case "hdb": list([("index", "1"), ("media", "disk")])
    case "hdc": list([("index", "2"), ("media", "disk")])
    case "hdd": list([("index", "3"), ("media", "disk")])
    case "cdrom": list([("index", "2"), ("media", "cdrom")])
    case "fda": list([("if", "floppy"), ("index", "0")])
    case "fdb": list([("if", "floppy"), ("index", "1")])
    case "sd": list([("if", "sd")])
    case "mtdblock": list([("if", "mtd")])
    case "pflash": list([("if", "pflash")])
    default: OptionList(value)
    }
  }

  /// The protocol in front of an image's name, if QEMU would see one; a file may have a colon in its
  /// name after a slash.
  private static func scheme(_ image: String) -> String? {
    guard let colon = image.firstIndex(of: ":") else { return nil }
    let scheme = image[..<colon]
    return scheme.contains("/") || scheme.isEmpty || scheme == "file" ? nil : String(scheme)
  }
}

extension OptionList {
  /// Whether members of members are named: `file.driver=…`.
  fileprivate var hasDottedKeys: Bool {
    members.contains { ($0.key ?? "").hasPrefix("file.") || ($0.key ?? "").hasPrefix("backing") }
  }
}
