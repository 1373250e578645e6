internal import Bytes

/// Proves one CPU's registers by the memory that they lead to.
struct CPUCheck {
  let memory: PhysicalMemory
  let cpu: VCPU

  init(_ memory: PhysicalMemory, _ cpu: VCPU) {
    self.memory = memory
    self.cpu = cpu
  }

  func proofs() -> [MachineProof] {
    guard let tables = X86PageTables(cpu: cpu.x86)?.inferringEncryption(in: memory) else {
      return [MachineProof(.unknown, "CPU \(cpu.index): the registers don't tell its paging mode")]
    }
    let space = VirtualMemory(memory, tables)
    var proofs = [instructionProof(tables)]
    if let proof = interruptProof(tables, space) { proofs.append(proof) }
    if let entry = cpu.x86[.lstar], entry != 0, tables.mode != .none {
      proofs.append(systemCallProof(VirtualAddress(entry), tables))
    }
    return proofs
  }

  /// The linear address of the next instruction: a 64-bit code segment's base is 0 whatever the
  /// descriptor says.
  private var instruction: VirtualAddress? {
    guard let rip = cpu.x86.rip else { return nil }
    guard let code = cpu.x86.segments[.cs], !(code.isLong && cpu.x86.mode == .long) else {
      return VirtualAddress(rip)
    }
    return VirtualAddress((code.base &+ rip) & 0xffff_ffff)
  }

  private func instructionProof(_ tables: X86PageTables) -> MachineProof {
    let what = "CPU \(cpu.index): " + (tables.mode == .none ? "no paging" : description(of: tables))
    guard let instruction else { return MachineProof(.unknown, "\(what); RIP is unknown") }
    do throws(PageFault) {
      let place = try tables.translate(instruction, in: memory)
      do throws(PhysicalFault) {
        _ = try memory.read(place.physical, count: 1)
      } catch {
        return MachineProof(.refuted, "\(what) lead RIP \(instruction) to no memory: \(error)")
      }
      // Without paging every address leads somewhere: that proves little.
      return MachineProof(
        tables.mode == .none ? .unknown : .confirmed,
        "\(what): RIP \(instruction) is at physical address \(place.physical)")
    } catch {
      return MachineProof(.refuted, "\(what): RIP: \(error)")
    }
  }

  private func description(of tables: X86PageTables) -> String {
    "\(tables.mode.rawValue) page tables at physical address \(tables.root)"
  }

  private func systemCallProof(
    _ entry: VirtualAddress, _ tables: X86PageTables
  ) -> MachineProof {
    do throws(PageFault) {
      let place = try tables.translate(entry, in: memory)
      let isCode = place.permissions.contains(.execute)
      return MachineProof(
        isCode ? .confirmed : .refuted,
        "CPU \(cpu.index): system calls enter at \(entry) (LSTAR), "
          + (isCode ? "which is executable" : "which isn't executable"))
    } catch {
      return MachineProof(.refuted, "CPU \(cpu.index): LSTAR: \(error)")
    }
  }

  /// Follows the gates of the interrupt table (Intel SDM volume 3, section 6.14.1):
  ///
  ///     0            2         4     5            6             8             12
  ///     offset 15–0  selector  IST   P DPL type   offset 31–16  offset 63–32  reserved
  private func interruptProof(
    _ tables: X86PageTables, _ space: VirtualMemory
  ) -> MachineProof? {
    guard tables.mode == .fourLevel || tables.mode == .fiveLevel,
      let table = cpu.x86.segments[.idt], table.base != 0
    else { return nil }
    let count = min((UInt64(table.limit) + 1) / 16, 256)
    var present = 0
    var leading = 0
    do throws(MemoryFault) {
      for index in 0..<count {
        let gate = VirtualAddress(table.base) &+ index * 16
        let low = try space.word(at: gate)
        guard low & 1 << 47 != 0 else { continue }
        present += 1
        let high = try space.word(at: gate &+ 8) & 0xffff_ffff
        let target = low & 0xffff | (low >> 48) << 16 | high << 32
        if isCode(VirtualAddress(target), tables) { leading += 1 }
      }
    } catch {
      return MachineProof(.refuted, "CPU \(cpu.index): interrupt table: \(error)")
    }
    guard present > 0 else {
      return MachineProof(.unknown, "CPU \(cpu.index): the interrupt table has no gates")
    }
    // A kernel throws some handlers away when it has started and leaves the gates of exceptions that
    // can't happen.
    return MachineProof(
      leading > present / 2 ? .confirmed : .refuted,
      "CPU \(cpu.index): \(leading) of \(present) gates of the interrupt table at "
        + "\(VirtualAddress(table.base)) lead to executable pages")
  }

  private func isCode(_ address: VirtualAddress, _ tables: X86PageTables) -> Bool {
    do throws(PageFault) {
      return try tables.translate(address, in: memory).permissions.contains(.execute)
    } catch {
      // Not mapped: counted as leading nowhere.
      return false
    }
  }
}
