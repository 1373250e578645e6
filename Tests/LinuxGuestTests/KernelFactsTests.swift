import Bytes
import LinuxGuest
import Targets
import TestWorlds
import Testing

/// What a kernel says of itself, piece by piece.
@Suite struct KernelFactsTests {
  /// Every bit that kernels use has the letter that kernel/panic.c prints.
  @Test func taintFlagsHaveTheirLetters() {
    #expect(KernelTaint(mask: 0).letters == "")
    #expect(KernelTaint(mask: (1 << 20) - 1).letters == "PFSRMBUDAWCIOELKXTNJ")
    #expect(KernelTaint(mask: 0x280).letters == "GDW")
    for bit in 0..<20 {
      let flags = KernelTaint(mask: 1 << UInt64(bit)).flags
      #expect(flags.map(\.bit) == [bit])
      #expect(flags[0].letter != nil && !flags[0].meaning.isEmpty)
    }
    let unknown = KernelTaint(mask: 1 << 63)
    #expect(unknown.letters == "G")
    #expect(unknown.flags.map(\.letter) == [nil])
  }

  @Test func loadAveragesAreRoundedAsTheKernelDoes() {
    #expect(KernelLoad(averages: [0, 2048, 2048 * 12 + 1024]).text == "0.00 1.00 12.50")
    #expect(KernelLoad(averages: [163, 10, .max]).text.hasPrefix("0.08 0.00 "))
  }

  @Test func cpuNumbersAreWrittenAsRanges() {
    #expect(KernelCPUs.text(of: []) == "")
    #expect(KernelCPUs.text(of: [0]) == "0")
    #expect(KernelCPUs.text(of: [0, 1, 2, 5, 7, 8]) == "0-2,5,7-8")
  }

  @Test func bannersAreTakenApart() {
    let build = KernelBuild(
      banner:
        "Linux version 6.1.0-53-cloud-amd64 (debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14) 12.2.0, GNU ld (GNU Binutils for Debian) 2.40) #1 SMP (x)"
    )
    #expect(build.builder == "debian-kernel@lists.debian.org")
    #expect(
      build.compiler
        == "gcc-12 (Debian 12.2.0-14) 12.2.0, GNU ld (GNU Binutils for Debian) 2.40")
    #expect(KernelBuild(banner: "((((").builder == nil)
    #expect(KernelBuild(banner: "").compiler == nil)
    #expect(KernelBuild(banner: ")))(a)").builder == "a")
  }

  @Test func timesOfTheLogFollowTheClock() {
    let clock = KernelClock(
      realTime: 1_000_000_000_000, monotonic: 50_000_000_000, sinceBoot: 70_000_000_000,
      source: "tsc")
    #expect(clock.bootTime == 930_000_000_000)
    #expect(clock.realTime(ofLog: 50_000_000_000) == clock.realTime)
    #expect(clock.realTime(ofLog: .max) == 950_000_000_000 &+ .max)
  }

  // MARK: Panics

  private func log(_ lines: [(facility: UInt8, text: String)]) -> KernelLog {
    KernelLog(
      form: .ring,
      records: lines.enumerated().map {
        LogRecord(
          sequence: UInt64($0.offset), nanoseconds: 0, level: 0, facility: $0.element.facility,
          text: $0.element.text)
      })
  }

  @Test func theLogTellsOfPanicsAndWhatWentBefore() {
    let told = PanicLog(
      log([
        (0, "sysrq: Trigger a crash"),
        (0, "BUG: kernel NULL pointer dereference, address: 0000000000000000"),
        (0, "#PF: supervisor write access in kernel mode"), (0, "Oops: 0002 [#1] PREEMPT SMP PTI"),
        (0, "Kernel panic - not syncing: Fatal exception"),
        (0, "---[ end Kernel panic - not syncing: Fatal exception ]---"),
      ]))
    #expect(told.message == "Kernel panic - not syncing: Fatal exception")
    #expect(
      told.complaints == [
        "BUG: kernel NULL pointer dereference, address: 0000000000000000",
        "Oops: 0002 [#1] PREEMPT SMP PTI",
      ])
    #expect(told.isRequested)
  }

  @Test func programsCannotMakeTheKernelPanic() {
    let told = PanicLog(
      log([(1, "Kernel panic - not syncing: not really"), (3, "BUG: a program's")]))
    #expect(told.message == nil)
    #expect(told.complaints == [])
    #expect(!told.isRequested)
  }

  // MARK: Real kernels

  @Test(arguments: QMPDump.small) func aRealKernelTellsEverything(_ dump: QMPDump) throws {
    let kernel = try LinuxKernel.find(in: dump.machine())
    let facts = KernelFacts(kernel)
    #expect(facts.diagnostics == [])
    #expect(facts.build?.banner.hasPrefix("Linux version \(kernel.release) ") == true)
    #expect(facts.commandLine?.hasPrefix("console=") == true)
    #expect(facts.cpus?.online.count == kernel.machine.cpus.count)
    #expect(facts.panic == nil)
    #expect(facts.taint?.mask == 0)
    let log = try kernel.log()
    #expect(log.diagnostics == [])
    #expect(log.records.first?.text == facts.build?.banner)
    #expect(log.records.map(\.sequence) == Array(0..<UInt64(log.records.count)))
  }

  /// The same log by VMCOREINFO's layout, for a kernel whose types are lost.
  @Test(arguments: QMPDump.small) func vmcoreInfoLaysTheLogOutToo(_ dump: QMPDump) throws {
    let kernel = try LinuxKernel.find(in: dump.machine())
    let info = try #require(kernel.vmcoreInfo)
    let pointer = try #require(info.symbol("prb"))
    let ring = try PrintkRing(
      PrintkRingLayout(info), at: VirtualAddress(kernel.memory.word(at: pointer)),
      in: kernel.memory)
    #expect(ring.log() == (try kernel.log()))
  }
}
