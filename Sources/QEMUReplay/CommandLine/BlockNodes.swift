/// The block nodes that a command line makes with `-blockdev`, and what uses them.
///
///     -blockdev driver=file,node-name=storage,filename=disk.qcow2
///     -blockdev driver=qcow2,node-name=format,file=storage      or file.driver=file,file.filename=…
///     -device virtio-blk-pci,drive=format                       or -machine pflash0=format
///
/// Source: QEMU 7.2 qapi/block-core.json (BlockdevOptions).
struct BlockNodes {
  /// An image that a node shows.
  struct Image: Equatable {
    let path: String
    let format: String
    let isReadOnly: Bool
    /// The image behind it as the command line says, empty if it says that there is none; nil if
    /// that is what the image says.
    let backing: String?
  }

  /// Who uses a node.
  enum User {
    case device, flash
    /// Another node, to which it belongs.
    case node
    case nobody
  }

  private let nodes: [String: OptionList]
  private let devices: Set<String>
  private let flashes: Set<String>

  init(_ options: [QEMUArguments.Option]) throws(ReplayError) {
    var nodes: [String: OptionList] = [:]
    var devices: Set<String> = []
    var flashes: Set<String> = []
    for option in options {
      let list = try OptionList.reading(option.value ?? "")
      switch option.name {
      case "blockdev": nodes[try Self.name(of: option)] = list
      case "device":
        if let drive = list.value("drive") { devices.insert(drive) }
      case "machine", "M":
        flashes.formUnion(["pflash0", "pflash1"].compactMap { list.value($0) })
      default: break
      }
    }
    self.nodes = nodes
    self.devices = devices
    self.flashes = flashes
  }

  static func name(of option: QEMUArguments.Option) throws(ReplayError) -> String {
    guard let name = try OptionList.reading(option.value ?? "").value("node-name") else {
      throw .refused(option: option.text, reason: "it lacks its node-name")
    }
    return name
  }

  func user(of name: String) -> User {
    if devices.contains(name) { return .device }
    if flashes.contains(name) { return .flash }
    let isPart = nodes.values.contains { node in
      node.members.contains { $0.value == name && Self.isChild($0.key ?? "") }
    }
    return isPart ? .node : .nobody
  }

  private static func isChild(_ key: String) -> Bool {
    key.split(separator: ".").last.map { ["file", "backing"].contains($0) } ?? false
  }

  /// The image that the node `name` of `option` shows. Throws `.refused` if there is more between them
  /// than a format.
  func image(_ name: String, _ option: QEMUArguments.Option) throws(ReplayError) -> Image {
    guard let node = nodes[name] else {
      throw .refused(option: option.text, reason: "there is no node \(name)")
    }
    let driver = node.value("driver") ?? ""
    let isReadOnly = node.flag("read-only") ?? false
    if Self.files.contains(driver) {
      return Image(
        path: try file(node, option), format: "raw", isReadOnly: isReadOnly, backing: nil)
    }
    guard Self.formats.contains(driver) else {
      throw .refused(
        option: option.text,
        reason: "a node of the driver \(driver) can't be put behind an overlay; a file can, and an "
          + "image of a format in it (\(Self.formats.sorted().joined(separator: ", ")))")
    }
    for key in ["offset", "size"] where driver == "raw" && node.value(key) != nil {
      throw .refused(option: option.text, reason: "\(key)= can't be put behind an overlay")
    }
    if node.members.contains(where: { ($0.key ?? "").hasPrefix("encrypt.") }) {
      throw .refused(
        option: option.text, reason: "an encrypted image can't be put behind an overlay")
    }
    let child = try child("file", of: node, option)
    guard let child, let driver = child.value("driver"), Self.files.contains(driver) else {
      throw .refused(
        option: option.text,
        reason: "the image lies in a node of the driver \(child?.value("driver") ?? "none"); only "
          + "one in a file can be put behind an overlay")
    }
    return Image(
      path: try file(child, option), format: node.value("driver") ?? "raw", isReadOnly: isReadOnly,
      backing: try backing(of: node, option))
  }

  /// The node's child `key`: another node that is named, or one that is described within.
  private func child(
    _ key: String, of node: OptionList, _ option: QEMUArguments.Option
  ) throws(ReplayError) -> OptionList? {
    if let name = node.value(key) {
      guard let child = nodes[name] else {
        throw .refused(option: option.text, reason: "there is no node \(name)")
      }
      return child
    }
    let inside = node.members.compactMap { member -> OptionList.Member? in
      guard let name = member.key, name.hasPrefix(key + ".") else { return nil }
      return OptionList.Member(key: String(name.dropFirst(key.count + 1)), value: member.value)
    }
    return inside.isEmpty ? nil : OptionList(members: inside)
  }

  private func file(
    _ node: OptionList, _ option: QEMUArguments.Option
  ) throws(ReplayError) -> String {
    guard let path = node.value("filename"), !path.isEmpty else {
      throw .refused(option: option.text, reason: "name the image's file by filename=")
    }
    guard !path.hasPrefix("/dev/fdset/") else {
      throw .refused(option: option.text, reason: "a replay has no such descriptor")
    }
    return path
  }

  /// What the command line says is behind an image; nil if it says nothing.
  private func backing(
    of node: OptionList, _ option: QEMUArguments.Option
  ) throws(ReplayError) -> String? {
    if node.value("backing") == "" { return "" }
    guard let behind = try child("backing", of: node, option) else { return nil }
    if Self.files.contains(behind.value("driver") ?? "") { return try file(behind, option) }
    guard let child = try child("file", of: behind, option),
      Self.files.contains(child.value("driver") ?? "")
    else {
      throw .refused(
        option: option.text, reason: "the image behind it lies in no file; leave backing= out")
    }
    return try file(child, option)
  }

  private static let files: Set<String> = ["file", "host_device", "host_cdrom"]
  /// Formats that an overlay can have behind it.
  private static let formats: Set<String> = [
    "raw", "qcow2", "qcow", "qed", "vmdk", "vdi", "vpc", "vhdx", "parallels", "dmg", "bochs",
    "cloop",
  ]
}
