/// Time, processors and devices.
extension RecordingPlanner {
  // MARK: Time

  /// Source: QEMU 7.2 softmmu/rtc.c: `base=localtime` is refused by QEMU, and `clock=vm` lets the clock
  /// follow instructions.
  mutating func rewriteClock(_ option: QEMUArguments.Option) throws(ReplayError) {
    let list = OptionList(option.value ?? "")
    let base = list.value("base") ?? "utc"
    let start = base == "utc" ? now.utc : base == "localtime" ? now.local : base
    hasClock = true
    change(
      option,
      to: [.init("rtc", list.setting("base", to: start).setting("clock", to: "vm").text)],
      "the guest's clock has to be the same in each replay")
  }

  mutating func rewriteCounting(_ option: QEMUArguments.Option) {
    let list = OptionList(option.value ?? "")
    if let shift = list.value("shift", implied: true).flatMap({ UInt8($0) }), shift <= 10 {
      plan.shift = shift
    }
    sleep = list.value("sleep")
    plan.changes.append(
      RecordingPlan.Change(
        given: option.text, used: "", why: "see -icount below, which keeps a fixed shift"))
  }

  mutating func addTime() {
    if !hasClock {
      change(
        nil, to: [.init("rtc", "base=\(now.utc),clock=vm")],
        "the guest's clock has to be the same in each replay")
    }
    if !hasAccelerator {
      change(nil, to: [.init("accel", "tcg,thread=single")], "only TCG counts instructions")
    }
    if isX86 {
      change(
        nil, to: [.init("global", "apic-common.vapic=off")],
        "restoring a snapshot in a replay hangs with it (QEMU 7.2, vapic_post_load)")
    }
    addTimers()
    plan.record += filters
    plan.replay += filters
    let sleeping = sleep.map { ",sleep=\($0)" } ?? ""
    func counting(_ mode: String) -> QEMUArguments.Option {
      .init(
        "icount",
        "shift=\(plan.shift)\(sleeping),rr=\(mode),"
          + "rrfile=\(RecordingPlan.directoryToken)/\(RecordingPlan.logName),"
          + "rrsnapshot=\(RecordingPlan.startSnapshot)")
    }
    plan.changes.append(
      RecordingPlan.Change(
        given: "", used: counting("record").text,
        why: "QEMU writes what can't be computed anew to the log"))
    split(recorded: [counting("record")], replayed: [counting("replay")])
  }

  /// A PC's HPET is left out. Tried with 5.2 and 10.0: with it replays that begin at a snapshot of an idle
  /// Linux stand still (three of three each), without it none does.
  private mutating func addTimers() {
    let isPC = ["", "pc", "q35"].contains(machineType) || machineType.hasPrefix("pc-")
    let isGiven =
      given.has("no-hpet")
      || given.options.contains {
        ["machine", "M"].contains($0.name) && OptionList($0.value ?? "").value("hpet") != nil
      }
    guard isX86, isPC, !isGiven else { return }
    change(
      nil, to: [.init("machine", "hpet=off")],
      "its timers aren't the same after a snapshot is restored (QEMU 5.2, 10.0)")
  }

  // MARK: Processors

  mutating func rewriteProcessors(_ option: QEMUArguments.Option) {
    let list = OptionList(option.value ?? "")
    let counts = ["cpus", "sockets", "dies", "clusters", "cores", "threads"].map { key in
      list.value(key, implied: key == "cpus").flatMap { Int($0) } ?? 1
    }
    guard counts.contains(where: { $0 > 1 }) else { return keep(option) }
    change(
      option, to: [.init("smp", "1")],
      "QEMU records machines with one processor only (softmmu/vl.c, qemu_apply_machine_options)")
  }

  mutating func rewriteAccelerator(_ option: QEMUArguments.Option) {
    guard !hasAccelerator else { return change(option, to: [], "one accelerator is enough") }
    hasAccelerator = true
    let list = OptionList(option.value ?? "")
    let isTCG = list.value("accel", implied: true) == "tcg"
    change(
      option,
      to: [.init("accel", isTCG ? list.setting("thread", to: "single").text : "tcg,thread=single")],
      "only TCG counts instructions, in a single thread")
  }

  mutating func rewriteMachine(_ option: QEMUArguments.Option) {
    var list = OptionList(option.value ?? "")
    if let accelerator = list.value("accel") {
      list = list.setting("accel", to: "tcg")
      hasAccelerator = true
      if accelerator == "tcg" { return keep(option) }
    }
    list = list.removing([
      "kernel_irqchip", "kernel-irqchip", "kvm_shadow_mem", "kvm-shadow-mem", "kvm-type",
    ])
    change(option, to: [.init(option.name, list.text)], "only TCG counts instructions")
  }

  mutating func rewriteProcessor(_ option: QEMUArguments.Option) {
    var list = OptionList(option.value ?? "")
    guard let first = list.members.first, first.key == nil, first.value == "host" else {
      return keep(option)
    }
    list.members[0].value = "max"
    change(option, to: [.init("cpu", list.text)], "the host's own processor needs KVM")
  }

  // MARK: Devices

  mutating func rewriteDevice(_ option: QEMUArguments.Option) throws(ReplayError) {
    let list = try OptionList.reading(option.value ?? "")
    let name = list.value("driver", implied: true) ?? ""
    if let rule = RecordingRule.devices.first(where: { name.hasPrefix($0.prefix) }) {
      throw .refused(option: option.text, reason: rule.why)
    }
    guard list.value("iothread") == nil else {
      throw .refused(
        option: option.text, reason: "what runs in a thread of its own isn't recorded; no iothread")
    }
    try noteCard(name, list, option)
    keep(option)
  }

  mutating func rewriteUSBDevice(_ option: QEMUArguments.Option) throws(ReplayError) {
    if (option.value ?? "").hasPrefix("host") {
      throw .refused(option: option.text, reason: "what a device of the host's does isn't recorded")
    }
    keep(option)
  }

  mutating func rewriteObject(_ option: QEMUArguments.Option) throws(ReplayError) {
    let list = try OptionList.reading(option.value ?? "")
    let type = list.value("qom-type", implied: true) ?? ""
    switch type {
    case "rng-random", "rng-egd":
      let id = list.value("id") ?? "rng0"
      change(
        option, to: [.init("object", "rng-builtin,id=\(id)")],
        "QEMU records the random numbers of its own generator only")
    case "memory-backend-file" where list.flag("share") == true:
      throw .refused(option: option.text, reason: "the file would be written; leave share=on out")
    default: keep(option)
    }
  }
}
