/// Network. Source: QEMU 7.2 docs/system/replay.rst, "Network devices": each backend gets a filter
/// that records what comes in, and in a replay lets nothing through but what was recorded.
extension RecordingPlanner {
  mutating func rewriteNetwork(_ option: QEMUArguments.Option) throws(ReplayError) {
    var list = OptionList(option.value ?? "")
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
        option: option.text, reason: "this card \(RecordingRule.intelCards); use model=rtl8139")
    }
    if option.name == "nic", model.isEmpty, isX86 { list = list.setting("model", to: "rtl8139") }
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

  mutating func addNetwork() {
    guard cardCount == 0, !["netdev", "nic", "net", "nodefaults"].contains(where: given.has) else {
      return
    }
    change(
      nil, to: [.init("nic", "none")],
      "the card that machines have by themselves (e1000, e1000e) "
        + "\(RecordingRule.intelCards); for a network give -nic user,model=rtl8139")
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
