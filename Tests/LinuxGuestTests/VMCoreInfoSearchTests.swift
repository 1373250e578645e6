import Bytes
import LinuxGuest
import Targets
import TestWorlds
import Testing

/// On the laboratory's real guests.
@Suite struct RealVMCoreInfoSearchTests {
  /// The text found equals, byte for byte, what the guest's driver gave to QEMU; the identity is
  /// what the kernel says of itself, and all proofs hold.
  @Test(arguments: QMPDump.small) func findsWhatTheDriverTold(_ dump: QMPDump) throws {
    let machine = try dump.machine()
    let found = try #require(VMCoreInfoSearch(machine).find())
    if dump.subject.vmcoreinfoNote == true {
      #expect(found.bytes.copy() == machine.vmcoreInfo?.copy())
    }
    #expect(found.evidence.count >= 3)
    let kernel = try LinuxKernel.find(in: machine)
    #expect(kernel.release == found.info.release)
    #expect(kernel.vmcoreInfo == found.info)
    for cpu in machine.cpus {
      #expect(X86PageTables(cpu: cpu.x86)?.mode == kernel.place.pageTables.mode)
    }
  }

  @Test(arguments: QMPDump.small) func proofsHold(_ dump: QMPDump) throws {
    let machine = try dump.machine()
    let proofs = MachineCheck(machine).proofs()
    #expect(!proofs.contains { $0.verdict == .refuted }, "\(proofs)")
    #expect(
      proofs.count { $0.verdict == .confirmed } >= 2 * (dump.subject.vcpus ?? 0) + 1, "\(proofs)")
    // The same registers over other memory: nothing holds.
    let shifted = PhysicalMemory(
      machine.memory.segments.map {
        PhysicalSegment(start: $0.start &+ 0x20_0000, count: $0.count, contents: $0.contents)
      })
    let wrong = MachineCheck(memory: shifted, map: [], cpus: machine.cpus)
    for proof in wrong.proofs() where proof.statement.hasPrefix("CPU") {
      #expect(proof.verdict == .refuted, "\(proof)")
    }
  }
}

@Suite struct VMCoreInfoSearchTests {
  @Test func prefersTheNoteAndNamesTheOtherCopy() throws {
    var kernel = KernelWorld()
    kernel.placeBoth()
    let machine = KernelWorld.machine([kernel], cpus: [kernel.directory])
    let found = try #require(VMCoreInfoSearch(machine).find())
    #expect(found.address == PhysicalAddress(kernel.noteAddress))
    #expect(String(decoding: found.bytes) == kernel.text)
    #expect(found.rejected.isEmpty)
    #expect(found.evidence.contains { $0.contains("CPU 0") })
    #expect(found.evidence.contains { $0.contains("\(PhysicalAddress(kernel.pageAddress))") })
    // A kernel without kallsyms and BTF is one all the same.
    let linux = try LinuxKernel.find(in: machine)
    #expect(linux.release == "6.1.0-test")
    #expect(linux.place.physicalBase == 0)
    #expect(linux.symbols.isEmpty)
    #expect(linux.diagnostics.contains { $0.contains("holds no kallsyms") })
    #expect(linux.diagnostics.contains { $0.contains("holds no BTF") })
    #expect(try linux.types.type(named: "struct list_head") == nil)
  }

  @Test func withoutCPUsTheTablesAreEnough() throws {
    var kernel = KernelWorld()
    kernel.place(Array(kernel.text.utf8), at: kernel.pageAddress)
    let found = try #require(VMCoreInfoSearch(KernelWorld.machine([kernel])).find())
    #expect(found.address == PhysicalAddress(kernel.pageAddress))
  }

  /// What a process in the guest or a file in the page cache can put into memory.
  @Test func fakesAreRejectedWithReasons() throws {
    var kernel = KernelWorld()
    kernel.placeBoth()
    let fakes: [(address: UInt64, bytes: [UInt8], reason: String)] = [
      (0x80_0008, Array(kernel.text.utf8), "neither"),
      (0x80_1018, Array(kernel.text.utf8), "header"),
      (0x80_2000, KernelWorld.note(kernel.text, size: 0x7fff_ffff), "note of"),
      (0x80_4000, Array("OSRELEAS!".utf8), "begin"),
      (0x80_5000, Array((kernel.text + "\u{1}=2\n").utf8), "no text"),
      (0x80_6000, Array((kernel.text + "=2\n").utf8), "KEY=VALUE"),
      (0x80_7000, Array("OSRELEASE=5.0\nPAGESIZE=65536\n".utf8), "pages of another size"),
      (0x80_8000, Array("OSRELEASE=5.0\nPAGESIZE=4096\n".utf8), "phys_base"),
      (
        0x80_9000, Array(kernel.text.replacing("6.1.0-test", with: "9.9.9").utf8), "init_uts_ns"
      ),
      (
        0x80_a000, Array(kernel.text.replacing("phys_base)=0", with: "phys_base)=4096").utf8),
        "map"
      ),
      (0x80_c000, Array("OSRELEASE=6.1.0-test".utf8), "end with a line"),
      (0x80_d000, Array(kernel.text.replacing("ffffffff8", with: "7").utf8), "outside"),
    ]
    for fake in fakes { kernel.place(fake.bytes, at: fake.address) }
    let machine = KernelWorld.machine([kernel], cpus: [kernel.directory])
    let found = try #require(VMCoreInfoSearch(machine).find())
    #expect(found.address == PhysicalAddress(kernel.noteAddress))
    #expect(found.rejected.count == fakes.count)
    for fake in fakes {
      let start = fake.bytes.starts(with: little(UInt32(11))) ? fake.address + 24 : fake.address
      let rejection = found.rejected.first { $0.address == PhysicalAddress(start) }
      #expect(rejection?.reason.contains(fake.reason) == true, "\(rejection as Any)")
    }
  }

  /// A process that fills its memory with the text's first word hides nothing.
  @Test func memoryFullOfTheFirstWordHidesNothing() throws {
    var kernel = KernelWorld()
    kernel.placeBoth()
    let words = [[UInt8]](repeating: Array("OSRELEAS".utf8), count: 5120).flatMap(\.self)
    kernel.place(words, at: 0x1000)
    let machine = KernelWorld.machine([kernel], cpus: [kernel.directory])
    let found = try #require(VMCoreInfoSearch(machine).find())
    #expect(found.address == PhysicalAddress(kernel.noteAddress))
  }

  /// The memory of a kernel that was replaced (kexec), or tables that a process made up: all of it
  /// holds by itself, but no CPU uses it.
  @Test func theCPUsChooseAmongKernels() throws {
    var old = KernelWorld(release: "5.10.0-old", start: 0x20_0000)
    old.placeBoth()
    var new = KernelWorld(release: "6.12.0-new", start: 0x60_0000)
    new.placeBoth()
    // Neither kernel maps the other.
    old.place([UInt8](repeating: 0, count: 8), at: old.directory + 0x2000 + 3 * 8)
    new.place([UInt8](repeating: 0, count: 8), at: new.directory + 0x2000 + 1 * 8)
    let machine = KernelWorld.machine([old, new], cpus: [new.directory])
    let found = try #require(VMCoreInfoSearch(machine).find())
    #expect(found.info.release == "6.12.0-new")
    // The user half of the tables with page table isolation: the page above the kernel's.
    let isolated = KernelWorld.machine([new], cpus: [new.directory | 0x1018])
    #expect(VMCoreInfoSearch(isolated).find() != nil)
    let survey = VMCoreInfoSearch(KernelWorld.machine([old, new])).survey()
    #expect(survey.found == nil)
    #expect(survey.rejected.count == 4)
    #expect(survey.rejected.allSatisfy { $0.reason.contains("as likely") })
  }

  @Test func noCPUOfItsKernelRejectsIt() {
    var kernel = KernelWorld()
    kernel.placeBoth()
    // Tables elsewhere that map nothing.
    let survey = VMCoreInfoSearch(KernelWorld.machine([kernel], cpus: [0xa0_0000])).survey()
    #expect(survey.found == nil)
    #expect(survey.rejected.allSatisfy { $0.reason.contains("CPUs don't run") })
  }

  @Test func aNameOfAnotherReleaseRejectsIt() {
    var kernel = KernelWorld(nameRelease: "4.4")
    kernel.placeBoth()
    let survey = VMCoreInfoSearch(KernelWorld.machine([kernel])).survey()
    #expect(survey.rejected.count == 2)
    #expect(survey.rejected.allSatisfy { $0.reason.contains("not Linux 6.1.0-test") })
  }

  @Test func emptyMemoryHoldsNothing() {
    #expect(VMCoreInfoSearch(KernelWorld.machine([])).find() == nil)
  }
}
