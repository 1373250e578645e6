/// Works out how a user's command line is recorded and replayed.
struct RecordingPlanner {
  let given: QEMUArguments
  /// `2026-01-31T12:00:00`: the guest's clock begins there unless the user says otherwise.
  let now: (utc: String, local: String)
  var plan: RecordingPlan
  let nodes: BlockNodes
  /// How many disks and network cards have been met.
  var diskCount = 0
  var cardCount = 0
  var hasVirtioNet = false
  var hasAccelerator = false
  var serialCount = 0
  var usesConsole = false
  var hasClock = false
  var sleep: String?
  /// They come last: what they name has to be there.
  var filters: [QEMUArguments.Option] = []

  /// Throws `.refused` for what can't be recorded.
  static func plan(
    _ given: QEMUArguments, now: (utc: String, local: String)
  ) throws(ReplayError) -> RecordingPlan {
    var planner = RecordingPlanner(
      given: given, now: now, plan: RecordingPlan(program: given.program),
      nodes: try BlockNodes(given.options))
    planner.addSnapshotImage()
    for option in given.options { try planner.take(option) }
    planner.addWhatIsMissing()
    return planner.plan
  }

  private init(
    given: QEMUArguments, now: (utc: String, local: String), plan: RecordingPlan, nodes: BlockNodes
  ) {
    self.given = given
    self.now = now
    self.plan = plan
    self.nodes = nodes
  }

  /// Whether the machine is a PC.
  var isX86: Bool {
    let name = given.program.split(separator: "/").last.map(String.init) ?? given.program
    return name.contains("x86_64") || name.contains("i386") || name.contains("qemu-kvm")
      || name == "kvm"
  }

  /// The machine's type; empty if QEMU is to choose.
  var machineType: String {
    given.options.last { $0.name == "machine" || $0.name == "M" }
      .flatMap { OptionList($0.value ?? "").value("type", implied: true) } ?? ""
  }

  private mutating func take(_ option: QEMUArguments.Option) throws(ReplayError) {
    note(input: option)
    switch RecordingRule.of(option.name) {
    case .keep: keep(option)
    case .recordOnly: plan.record.append(option)
    case .drop(let why): change(option, to: [], why)
    case .refuse(let why): throw .refused(option: option.text, reason: why)
    case .rewrite: try rewrite(option)
    }
  }

  private mutating func rewrite(_ option: QEMUArguments.Option) throws(ReplayError) {
    switch option.name {
    case "drive", "hda", "hdb", "hdc", "hdd", "cdrom", "fda", "fdb", "sd", "mtdblock", "pflash":
      try rewriteDisk(option)
    case "blockdev": try rewriteNode(option)
    case "netdev", "nic", "net": try rewriteNetwork(option)
    case "rtc": try rewriteClock(option)
    case "icount": rewriteCounting(option)
    case "smp": rewriteProcessors(option)
    case "accel": rewriteAccelerator(option)
    case "machine", "M": rewriteMachine(option)
    case "cpu": rewriteProcessor(option)
    case "device": try rewriteDevice(option)
    case "usbdevice": try rewriteUSBDevice(option)
    case "object": try rewriteObject(option)
    case "chardev": try rewriteCharacterDevice(option)
    default: rewriteConsole(option)
    }
  }

  private mutating func addWhatIsMissing() {
    addNetwork()
    addSending()
    addConsole()
    addTime()
  }

  // MARK: What becomes of options

  mutating func keep(_ option: QEMUArguments.Option) {
    plan.record.append(option)
    plan.replay.append(option)
  }

  /// Uses `options` in place of `given`, in replays as well, and says why; nil for what is added.
  mutating func change(
    _ given: QEMUArguments.Option?, to options: [QEMUArguments.Option], _ why: String
  ) {
    plan.record += options
    plan.replay += options
    let used = options.map(\.text).joined(separator: " ")
    guard used != given?.text else { return }
    plan.changes.append(RecordingPlan.Change(given: given?.text ?? "", used: used, why: why))
  }

  /// Uses `recorded` while recording and `replayed` in replays.
  mutating func split(
    recorded: [QEMUArguments.Option], replayed: [QEMUArguments.Option]
  ) {
    plan.record += recorded
    plan.replay += replayed
  }

  /// Remembers the file that `option` names, whose contents the replay depends on.
  private mutating func note(input option: QEMUArguments.Option) {
    guard Self.fileOptions.contains(option.name), let value = option.value else { return }
    for path in option.name == "initrd" ? OptionList(value).members.map(\.value) : [value] {
      plan.inputs.append(RecordingPlan.Input(option: option.name, path: path))
    }
  }

  /// Options whose value is a file's name. Source: QEMU 7.2 qemu-options.hx.
  private static let fileOptions: Set<String> = [
    "kernel", "initrd", "dtb", "bios", "option-rom",
  ]
}
