/// Disks that are given as block nodes: what a device uses keeps its name, with an overlay and blkreplay
/// below it.
///
///     blkreplay, called as the user's node   →  overlay  →  the user's image, read only
extension RecordingPlanner {
  mutating func rewriteNode(_ option: QEMUArguments.Option) throws(ReplayError) {
    let name = try BlockNodes.name(of: option)
    switch nodes.user(of: name) {
    case .device: try putBehind(name, option)
    case .flash: try protectFlash(name, option)
    case .node: change(option, to: [], "it is part of another node, which the recording makes anew")
    case .nobody: change(option, to: [], "no device uses it, and savevm would write to its image")
    }
  }

  private mutating func putBehind(
    _ name: String, _ option: QEMUArguments.Option
  ) throws(ReplayError) {
    let image = try nodes.image(name, option)
    plan.inputs.append(RecordingPlan.Input(option: option.name, path: image.path))
    let below = "varve-disk\(diskCount)"
    if image.isReadOnly {
      diskCount += 1
      return change(
        option,
        to: [
          Self.node(image.format, below, file: image.path, isReadOnly: true),
          .init("blockdev", Self.replayed(name, over: below).setting("read-only", to: "on").text),
        ], "requests to it complete at the recorded moments")
    }
    let path = addOverlay(over: image)
    change(
      option,
      to: [
        Self.node("qcow2", below, file: path, isReadOnly: false),
        .init("blockdev", Self.replayed(name, over: below).text),
      ], "the image isn't written: an overlay is; requests to it complete at the recorded moments")
  }

  /// The flash chip reads and writes its image at once, by the CPU's own accesses: nothing to record.
  private mutating func protectFlash(
    _ name: String, _ option: QEMUArguments.Option
  ) throws(ReplayError) {
    let image = try nodes.image(name, option)
    plan.inputs.append(RecordingPlan.Input(option: option.name, path: image.path))
    if image.isReadOnly {
      return change(
        option, to: [Self.node(image.format, name, file: image.path, isReadOnly: true)],
        "its nodes are made anew, as one")
    }
    let path = addOverlay(over: image)
    change(
      option, to: [Self.node("qcow2", name, file: path, isReadOnly: false)],
      "the image isn't written: an overlay is")
  }

  /// Plans an overlay; gives its path.
  private mutating func addOverlay(over image: BlockNodes.Image) -> String {
    let overlay = "disk\(diskCount).qcow2"
    diskCount += 1
    plan.disks.append(
      RecordingPlan.Disk(overlay: overlay, image: image.path, format: image.format))
    if let backing = image.backing { plan.backings[image.path] = backing }
    return "\(RecordingPlan.directoryToken)/\(overlay)"
  }

  private static func replayed(_ name: String, over below: String) -> OptionList {
    OptionList(members: [
      .init(key: "driver", value: "blkreplay"), .init(key: "node-name", value: name),
      .init(key: "image", value: below),
    ])
  }

  /// A node of a format in a file.
  static func node(
    _ format: String, _ name: String, file: String, isReadOnly: Bool
  ) -> QEMUArguments.Option {
    var members: [OptionList.Member] = [
      .init(key: "driver", value: format), .init(key: "node-name", value: name),
    ]
    if isReadOnly { members.append(.init(key: "read-only", value: "on")) }
    members += [
      .init(key: "file.driver", value: "file"), .init(key: "file.filename", value: file),
    ]
    return .init("blockdev", OptionList(members: members).text)
  }
}
