import Testing

@testable import QEMUReplay

/// What becomes of each option.
@Suite struct RecordingPlanTests {
  private func plan(_ words: [String], program: String = "qemu-system-x86_64") throws
    -> RecordingPlan
  {
    try RecordingPlanner.plan(
      QEMUArguments([program] + words),
      now: (utc: "2026-01-31T12:00:00", local: "2026-01-31T13:00:00"))
  }

  private func texts(_ options: [QEMUArguments.Option]) -> [String] { options.map(\.text) }

  @Test func leastCommandLine() throws {
    let plan = try plan(["-nodefaults"])
    #expect(
      texts(plan.record) == [
        "-drive file={recording}/snapshots.qcow2,format=qcow2,if=none,id=varve-snapshots",
        "-nodefaults", "-rtc base=2026-01-31T12:00:00,clock=vm", "-accel tcg,thread=single",
        "-global apic-common.vapic=off", "-machine hpet=off",
        "-icount shift=3,rr=record,rrfile={recording}/log.bin,rrsnapshot=varve-start",
      ])
    #expect(
      texts(plan.replay) == [
        "-drive file={recording}/snapshots.qcow2,format=qcow2,if=none,id=varve-snapshots",
        "-nodefaults", "-monitor none", "-display none", "-rtc base=2026-01-31T12:00:00,clock=vm",
        "-accel tcg,thread=single", "-global apic-common.vapic=off", "-machine hpet=off",
        "-icount shift=3,rr=replay,rrfile={recording}/log.bin,rrsnapshot=varve-start",
      ])
    // Everything that was added is told.
    #expect(plan.changes.count == 6)
  }

  /// Given, recorded, replayed; an empty text is nothing.
  static let rows: [(given: [String], recorded: [String], replayed: [String])] = [
    (["-m", "256"], ["-m 256"], ["-m 256"]),
    (["--m", "256"], ["-m 256"], ["-m 256"]),
    (["-enable-kvm"], [], []),
    (["-accel", "kvm"], ["-accel tcg,thread=single"], ["-accel tcg,thread=single"]),
    (
      ["-accel", "tcg,thread=multi,tb-size=64"], ["-accel tcg,thread=single,tb-size=64"],
      ["-accel tcg,thread=single,tb-size=64"]
    ),
    (["-M", "q35,accel=kvm:tcg,kernel_irqchip=on"], ["-M q35,accel=tcg"], ["-M q35,accel=tcg"]),
    (["-machine", "pc"], ["-machine pc"], ["-machine pc"]),
    (["-cpu", "host,+sse4.2"], ["-cpu max,+sse4.2"], ["-cpu max,+sse4.2"]),
    (["-cpu", "qemu64"], ["-cpu qemu64"], ["-cpu qemu64"]),
    (["-smp", "4"], ["-smp 1"], ["-smp 1"]),
    (["-smp", "sockets=1,cores=2"], ["-smp 1"], ["-smp 1"]),
    (["-smp", "1,maxcpus=4"], ["-smp 1,maxcpus=4"], ["-smp 1,maxcpus=4"]),
    (["-snapshot"], [], []),
    (["-gdb", "tcp::1"], ["-gdb tcp::1"], []),
    (["-qmp", "unix:q,server"], ["-qmp unix:q,server"], []),
    (["-display", "gtk"], ["-display gtk"], ["-display none"]),
    (["-S"], ["-S"], []),
    (
      ["-rtc", "base=localtime,driftfix=slew"],
      ["-rtc base=2026-01-31T13:00:00,driftfix=slew,clock=vm"],
      ["-rtc base=2026-01-31T13:00:00,driftfix=slew,clock=vm"]
    ),
    (["-rtc", "base=2001-02-03"], ["-rtc base=2001-02-03,clock=vm"], []),
    (["-serial", "file:x"], ["-serial file:x"], ["-serial null"]),
    (["-serial", "none"], ["-serial none"], ["-serial none"]),
    (
      ["-serial", "mon:stdio"],
      [
        "-chardev stdio,id=varve-console,mux=on,signal=off,logfile={recording}/console.log",
        "-serial chardev:varve-console", "-mon chardev=varve-console",
      ], ["-serial null"]
    ),
    (["-debugcon", "file:x"], ["-debugcon file:x"], ["-debugcon null"]),
    (["-nic", "none"], ["-nic none"], ["-nic none"]),
    (
      ["-nic", "user,model=virtio-net-pci"],
      [
        "-nic user,model=virtio-net-pci,id=varve-nic0", "-global virtio-net-device.tx=timer",
        "-object filter-replay,id=varve-filter0,netdev=varve-nic0",
      ], ["-global virtio-net-device.tx=timer"]
    ),
    (
      ["-netdev", #"{"type":"user","id":"n0"}"#],
      [
        "-netdev id=n0,type=user", "-object filter-replay,id=varve-filter0,netdev=n0",
      ], []
    ),
    (
      ["-netdev", "user,id=n0,hostfwd=tcp::2222-:22"],
      [
        "-netdev user,id=n0,hostfwd=tcp::2222-:22",
        "-object filter-replay,id=varve-filter0,netdev=n0",
      ], ["-netdev user,id=n0", "-object filter-replay,id=varve-filter0,netdev=n0"]
    ),
    (
      ["-nic", "user"],
      [
        "-nic user,model=rtl8139,id=varve-nic0",
        "-object filter-replay,id=varve-filter0,netdev=varve-nic0",
      ], []
    ),
    (["-netdev", "tap,id=t,vhost=on"], ["-netdev tap,id=t,vhost=off"], []),
    (
      ["-hda", "a,b.img"],
      [
        "-blockdev driver=qcow2,node-name=varve-disk0,file.driver=file,file.filename={recording}/disk0.qcow2",
        "-drive driver=blkreplay,image=varve-disk0,index=0,media=disk",
      ], []
    ),
    (
      ["disk.img"], ["-drive driver=blkreplay,image=varve-disk0,index=0,media=disk"], []
    ),
    (
      ["-drive", "file=a.qcow2,if=virtio,id=root,cache=none,format=qcow2,werror=stop"],
      ["-drive driver=blkreplay,image=varve-disk0,if=virtio,id=root,werror=stop"], []
    ),
    (
      ["-cdrom", "x.iso"],
      [
        "-blockdev driver=raw,node-name=varve-disk0,read-only=on,file.driver=file,file.filename=x.iso",
        "-drive driver=blkreplay,image=varve-disk0,index=2,media=cdrom,readonly=on",
      ], []
    ),
    (
      ["-drive", "if=pflash,file=code.fd,format=raw,readonly=on"],
      ["-drive if=pflash,file=code.fd,format=raw,readonly=on"], []
    ),
    (
      ["-drive", "if=pflash,file=vars.fd,format=raw"],
      ["-drive if=pflash,file={recording}/disk0.qcow2,format=qcow2"], []
    ),
    (["-drive", "if=none,id=cd,media=cdrom"], ["-drive if=none,id=cd,media=cdrom"], []),
    (
      ["-object", "rng-random,filename=/dev/urandom,id=r0"], ["-object rng-builtin,id=r0"], []
    ),
    (
      ["-device", "virtio-net-pci,netdev=n"],
      ["-device virtio-net-pci,netdev=n", "-global virtio-net-device.tx=timer"], []
    ),
    (["-device", "rtl8139,netdev=n"], ["-device rtl8139,netdev=n"], []),
    (
      ["-chardev", "socket,id=c,path=s,server=on", "-mon", "c"],
      ["-chardev socket,id=c,path=s,server=on", "-mon c"], []
    ),
    (
      ["-chardev", "file,id=c,path=f", "-device", "isa-serial,chardev=c"],
      ["-chardev file,id=c,path=f"], ["-chardev null,id=c"]
    ),
  ]

  @Test(arguments: rows.indices)
  func optionBecomes(_ index: Int) throws {
    let row = Self.rows[index]
    let plan = try plan(row.given)
    let recorded = texts(plan.record)
    let replayed = texts(plan.replay)
    for option in row.recorded { #expect(recorded.contains(option), "\(recorded)") }
    for option in row.replayed { #expect(replayed.contains(option), "\(replayed)") }
    // What isn't the same is told.
    let given = try QEMUArguments(["q"] + row.given).options.map(\.text)
    let isKept = given.allSatisfy(recorded.contains)
    let isTold = plan.changes.contains { change in given.contains(change.given) }
    #expect(isKept || isTold || row.given == ["disk.img"])
    if row.recorded.isEmpty { #expect(!recorded.contains(given[0])) }
  }

  @Test(arguments: [
    (["-virtfs", "local,path=x"], "-virtfs local,path=x"),
    (["-device", "vfio-pci,host=1"], "-device vfio-pci,host=1"),
    (["-device", "{\"driver\":\"vhost-vsock-pci\"}"], "-device {\"driver\":\"vhost-vsock-pci\"}"),
    (["-device", "virtio-blk-pci,iothread=t"], "-device virtio-blk-pci,iothread=t"),
    (["-net", "user"], "-net user"),
    (["-nic", "user,model=e1000e"], "-nic user,model=e1000e"),
    (["-device", "e1000,netdev=n"], "-device e1000,netdev=n"),
    (["-device", "virtio-net-pci,netdev=n,tx=bh"], "-device virtio-net-pci,netdev=n,tx=bh"),
    (["-device", "nvme,drive=d,serial=1"], "-device nvme,drive=d,serial=1"),
    (["-netdev", "vhost-user,id=n"], "-netdev vhost-user,id=n"),
    (["-daemonize"], "-daemonize"),
    (["-incoming", "tcp:0:1"], "-incoming tcp:0:1"),
    (["-loadvm", "x"], "-loadvm x"),
    (["-hda", "nbd:localhost:1"], "-hda nbd:localhost:1"),
    (["-drive", "file.driver=nbd,file.host=x"], "-drive file.driver=nbd,file.host=x"),
    (["-usbdevice", "host:1"], "-usbdevice host:1"),
    (
      ["-chardev", "pty,id=c", "-device", "isa-serial,chardev=c"], "-device isa-serial,chardev=c"
    ),
    (
      ["-object", "memory-backend-file,id=m,size=1M,mem-path=x,share=on"],
      "-object memory-backend-file,id=m,size=1M,mem-path=x,share=on"
    ),
  ])
  func refusalNamesTheOption(_ words: [String], _ option: String) {
    do {
      _ = try plan(words)
      Issue.record("\(words) was taken")
    } catch ReplayError.refused(let refused, let reason) {
      #expect(refused == option)
      #expect(!reason.isEmpty)
    } catch {
      Issue.record("\(words): \(error)")
    }
  }

  @Test func everyRewrittenOptionHasCode() throws {
    for (name, rule) in RecordingRule.table {
      guard case .rewrite = rule else { continue }
      let words = QEMUArguments.flags.contains(name) ? ["-\(name)"] : ["-\(name)", "x,id=x"]
      do {
        _ = try plan(words)
      } catch ReplayError.refused {
        // That is an answer, too.
      }
    }
  }

  @Test func otherMachinesGetNoVAPIC() throws {
    let plan = try plan(["-M", "virt"], program: "/usr/bin/qemu-system-aarch64")
    #expect(!plan.record.contains { $0.name == "global" })
    #expect(texts(plan.record).contains("-nic none"))
    // The card that it has by itself is a virtio-net.
    let withNetwork = try self.plan(["-M", "virt", "-nic", "user"], program: "qemu-system-aarch64")
    #expect(texts(withNetwork.record).contains("-global virtio-net-device.tx=timer"))
  }

  @Test func releasesThatDoNotReplay() {
    let x86 = "/usr/bin/qemu-system-x86_64"
    #expect(RecordingRule.refusal(of: QEMURelease(5, 1), x86) != nil)
    for release in [QEMURelease(5, 2), QEMURelease(7, 2), QEMURelease(10, 0)] {
      #expect(RecordingRule.refusal(of: release, x86) == nil)
    }
    #expect(RecordingRule.refusal(of: QEMURelease(11, 1), x86)?.contains("stand still") == true)
    #expect(RecordingRule.refusal(of: QEMURelease(11, 1), "qemu-system-aarch64") == nil)
  }

  /// PCs have one by themselves; who asks for it gets it.
  @Test(arguments: [
    (["-M", "pc"], true), (["-machine", "q35,accel=tcg"], true), (["-M", "pc-i440fx-7.2"], true),
    (["-M", "microvm"], false), (["-M", "isapc"], false), (["-M", "pc,hpet=on"], false),
    (["-no-hpet"], false),
  ])
  func timersOfPCsAreLeftOut(_ words: [String], _ isLeftOut: Bool) throws {
    let plan = try plan(words)
    #expect(texts(plan.record).contains("-machine hpet=off") == isLeftOut)
    #expect(texts(plan.replay).contains("-machine hpet=off") == isLeftOut)
  }

  @Test func networkCardsOfMachinesAreLeftOut() throws {
    #expect(texts(try plan([]).record).contains("-nic none"))
    #expect(!texts(try plan(["-nodefaults"]).record).contains("-nic none"))
    #expect(!texts(try plan(["-netdev", "user,id=n"]).record).contains("-nic none"))
  }

  @Test func nographicKeepsConsoleAndMonitor() throws {
    let plan = try plan(["-nographic"])
    #expect(plan.keepsConsole)
    #expect(texts(plan.record).contains("-mon chardev=varve-console"))
    #expect(texts(plan.replay).contains("-serial null"))
    #expect(texts(plan.replay).contains("-nographic"))
    #expect(!texts(plan.replay).contains("-display none"))
  }

  @Test func inputsAreNoted() throws {
    let plan = try plan([
      "-kernel", "k", "-initrd", "i,m", "-bios", "b", "-hda", "d", "-drive", "file=e,if=none",
    ])
    #expect(plan.inputs.map(\.path) == ["k", "i", "m", "b", "d", "e"])
    #expect(plan.disks.map(\.overlay) == ["disk0.qcow2", "disk1.qcow2"])
    #expect(plan.disks.map(\.image) == ["d", "e"])
  }

  @Test func missingValueIsTold() {
    #expect(throws: ReplayError.commandLine("the option -m lacks its value")) { try plan(["-m"]) }
    #expect(throws: ReplayError.self) { try QEMUArguments([]) }
  }

  @Test func listsKeepCommas() {
    let list = OptionList("user,path=a,,b,readonly,x=y=z")
    #expect(list.value("path") == "a,b")
    #expect(list.value("x") == "y=z")
    #expect(list.flag("readonly") == true)
    #expect(list.flag("other") == nil)
    #expect(list.value("type", implied: true) == "user")
    #expect(list.text == "user,path=a,,b,readonly,x=y=z")
    #expect(list.setting("path", to: "c,d").removing(["readonly", "x"]).text == "user,path=c,,d")
  }
}
