/// Consoles, monitors and displays. What comes in through a `-serial` is recorded, and in a replay
/// comes from the log, so whatever it was connected to is left out there. The number of ports has to
/// stay (QEMU 7.2 docs/system/replay.rst, "Serial ports").
extension RecordingPlanner {
  mutating func rewriteConsole(_ option: QEMUArguments.Option) {
    switch option.name {
    case "serial":
      serialCount += 1
      let value = option.value ?? ""
      let isNone = value == "none"
      plan.replay.append(isNone ? option : .init("serial", "null"))
      if !usesConsole, value == "stdio" || value == "mon:stdio" {
        recordConsole(option, withMonitor: value == "mon:stdio")
      } else {
        plan.record.append(option)
      }
    case "parallel", "debugcon":
      let isNone = option.value == "none"
      split(recorded: [option], replayed: [isNone ? option : .init(option.name, "null")])
    case "monitor", "display": plan.record.append(option)
    case "nographic":
      // It also tells the firmware that there is no screen.
      keep(option)
    default: keep(option)
    }
  }

  /// Keeps what the console prints in a file, too.
  private mutating func recordConsole(_ option: QEMUArguments.Option?, withMonitor: Bool) {
    usesConsole = true
    plan.keepsConsole = true
    let log = "\(RecordingPlan.directoryToken)/\(RecordingPlan.consoleName)"
    var used: [QEMUArguments.Option] = [
      .init(
        "chardev",
        "stdio,id=varve-console,mux=\(withMonitor ? "on" : "off"),"
          + "signal=\(withMonitor ? "off" : "on"),logfile=\(log)"),
      .init("serial", "chardev:varve-console"),
    ]
    if withMonitor { used.append(.init("mon", "chardev=varve-console")) }
    plan.record += used
    plan.changes.append(
      RecordingPlan.Change(
        given: option?.text ?? "", used: used.map(\.text).joined(separator: " "),
        why: "what the console prints is kept in \(RecordingPlan.consoleName)"))
  }

  mutating func addConsole() {
    // Source: QEMU 7.2 softmmu/vl.c, qemu_create_default_devices: without -serial there is one port, on
    // the terminal together with the monitor if -nographic says so.
    if serialCount == 0, !given.has("nodefaults") {
      if given.has("nographic"), !given.has("monitor"), !given.has("mon") {
        recordConsole(nil, withMonitor: true)
      }
      plan.replay.append(.init("serial", "null"))
    }
    if !given.has("nodefaults"), !given.has("parallel") {
      plan.replay.append(.init("parallel", "null"))
    }
    plan.replay.append(.init("monitor", "none"))
    if !given.has("nographic") { plan.replay.append(.init("display", "none")) }
  }

  /// Input of a `-chardev` isn't recorded unless a `-serial chardev:` uses it (QEMU 7.2
  /// chardev/char.c, qemu_chr_new).
  mutating func rewriteCharacterDevice(_ option: QEMUArguments.Option) throws(ReplayError) {
    let list = OptionList(option.value ?? "")
    guard let id = list.value("id") else { throw .commandLine("\(option.text) lacks its id") }
    var user: QEMUArguments.Option?
    for candidate in given.options where ["device", "object", "netdev"].contains(candidate.name) {
      let value = candidate.value ?? ""
      let inJSON = try JSONText.member("chardev", of: value)
      if OptionList(value).value("chardev") == id || inJSON == id { user = candidate }
    }
    let backend = list.value("backend", implied: true) ?? ""
    if let user, !Self.silentBackends.contains(backend) {
      throw .refused(
        option: user.text,
        reason: "what comes in through \(id) isn't recorded; only -serial, and for it a -chardev "
          + "of type file or null")
    }
    split(recorded: [option], replayed: user == nil ? [] : [.init("chardev", "null,id=\(id)")])
  }

  /// Backends that nothing comes in through.
  private static let silentBackends: Set<String> = ["null", "file", "ringbuf", "memory"]
}
