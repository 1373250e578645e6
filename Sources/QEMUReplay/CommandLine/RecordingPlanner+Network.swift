/// Network. Source: QEMU 7.2 docs/system/replay.rst, "Network devices": each backend gets a filter
/// that records what comes in, and in a replay lets nothing through but what was recorded.
extension RecordingPlanner {
  mutating func rewriteNetwork(_ option: QEMUArguments.Option) throws(ReplayError) {
    var list = try OptionList.reading(option.value ?? "")
    let type = list.value("type", implied: true) ?? ""
    if type == "none" { return keep(option) }
    if option.name == "net" {
      throw .refused(
        option: option.text, reason: "a hub joins networks past the filter; use -nic or -netdev")
    }
    if let why = RecordingRule.networks[type] { throw .refused(option: option.text, reason: why) }
    if list.flag("vhost") == true { list = list.setting("vhost", to: "off") }
    let model = list.value("model") ?? ""
    if model.hasPrefix("e1000") {
      throw .refused(
        option: option.text,
        reason: "this card \(RecordingRule.intelCards); use model=rtl8139 or virtio-net-pci")
    }
    if option.name == "nic", model.isEmpty, isX86 { list = list.setting("model", to: "rtl8139") }
    // What other machines have by themselves is a virtio-net, too.
    if option.name == "nic", model.isEmpty ? !isX86 : model.hasPrefix("virtio") {
      hasVirtioNet = true
    }
    let name: String
    if let id = list.value("id") {
      name = id
    } else {
      guard option.name == "nic" else {
        throw .commandLine("\(option.text) lacks its id")
      }
      name = "varve-nic\(cardCount)"
      list = list.setting("id", to: name)
    }
    addFiltered(option, QEMUArguments.Option(option.name, list.text), name)
  }

  /// Notes a device that is a virtio-net. Throws `.refused` if it is to send by a bottom half.
  mutating func noteCard(
    _ name: String, _ list: OptionList, _ option: QEMUArguments.Option
  ) throws(ReplayError) {
    guard name.hasPrefix("virtio-net-") else { return }
    if let sending = list.value("tx"), sending != "timer" {
      throw .refused(
        option: option.text, reason: "the moments at which it sends aren't recorded; leave tx= out")
    }
    hasVirtioNet = true
  }

  /// A virtio-net sends in a bottom half, whose moment isn't recorded before QEMU 9.0 (8.2
  /// hw/net/virtio-net.c: qemu_bh_schedule; 10.2: replay_bh_schedule_event); a timer's is. Tried with
  /// 7.2: by bottom halves, replays stand still.
  mutating func addSending() {
    guard hasVirtioNet else { return }
    change(
      nil, to: [.init("global", "virtio-net-device.tx=timer")],
      "the moments at which a virtio-net sends are the same in each replay only so")
  }

  mutating func addNetwork() {
    guard cardCount == 0, !["netdev", "nic", "net", "nodefaults"].contains(where: given.has) else {
      return
    }
    change(
      nil, to: [.init("nic", "none")],
      "the card that machines have by themselves (e1000, e1000e) "
        + "\(RecordingRule.intelCards); for a network give -nic user")
  }

  private mutating func addFiltered(
    _ given: QEMUArguments.Option, _ backend: QEMUArguments.Option, _ name: String
  ) {
    let filter = QEMUArguments.Option(
      "object", "filter-replay,id=varve-filter\(cardCount),netdev=\(name)")
    cardCount += 1
    plan.changes.append(
      RecordingPlan.Change(
        given: given.text, used: "\(backend.text) \(filter.text)",
        why: "what it receives is recorded"))
    // A replay opens no doors of the host's.
    let closed = OptionList(backend.value ?? "").removing(["hostfwd", "guestfwd", "smb", "tftp"])
    split(recorded: [backend], replayed: [.init(backend.name, closed.text)])
    filters.append(filter)
  }
}
