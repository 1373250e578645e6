public import Bytes
public import Unwinding

/// Where a program's thread-local variables are in each thread (U. Drepper, "ELF Handling For
/// Thread-Local Storage", sections 3.4.1 and 3.4.6).
///
///      x86-64, variant II                         AArch64, variant I
///      … │ program's block │ control block        control block (16 bytes) │ program's block │ …
///                          └ thread pointer       └ thread pointer
///
/// The control block leads to the dynamic thread vector, in which each module has an entry; the
/// program's own block is also at a fixed distance from the thread pointer.
public struct ThreadLocalStorage: Sendable {
  public let architecture: Architecture
  /// `p_memsz` of the program's PT_TLS, in bytes.
  public let size: UInt64
  /// `p_vaddr` of PT_TLS: only its remainder modulo `alignment` matters.
  public let imageAddress: UInt64
  /// `p_align`; 0 and 1 mean none.
  public let alignment: UInt64

  public init(
    architecture: Architecture, size: UInt64, imageAddress: UInt64, alignment: UInt64
  ) {
    self.architecture = architecture
    self.size = size
    self.imageAddress = imageAddress
    self.alignment = max(alignment, 1)
  }

  /// The start of the program's block in the thread with this thread pointer, by the rule that
  /// glibc lays blocks out by (`_dl_determine_tlsoffset` in elf/dl-tls.c). Nil if the sizes can't
  /// be real.
  public func staticBlock(threadPointer: VirtualAddress) -> VirtualAddress? {
    guard alignment & (alignment - 1) == 0, alignment <= 1 << 32, size <= 1 << 40 else {
      return nil
    }
    let pointer = threadPointer.rawValue
    if architecture == .x86_64 {
      let first = (0 &- imageAddress) & (alignment - 1)
      // Rounded up, as glibc does, so that the block's start has the image's remainder.
      let distance = ((size &- first) &+ alignment &- 1) & ~(alignment - 1) &+ first
      let whole = distance < size ? distance &+ alignment : distance
      return pointer >= whole ? VirtualAddress(pointer - whole) : nil
    } else if architecture == .aarch64 {
      let remainder = imageAddress & (alignment - 1)
      let header: UInt64 = 16
      let distance = ((header &- remainder) &+ alignment &- 1) & ~(alignment - 1) &+ remainder
      return threadPointer.advanced(by: distance)
    }
    return nil
  }

  /// The start of the block of the module with this number (the program's is 1) by the thread's own
  /// vector; nil if the thread hasn't got it yet.
  ///
  /// glibc: the vector's address is the control block's word 1 (x86-64, `tcbhead_t`) or 0
  /// (AArch64); its entries, from module 1 on, are pairs of words that follow a pair of their own.
  public func dynamicBlock(
    module: UInt64 = 1, threadPointer: VirtualAddress, memory: some Memory
  ) throws(MemoryFault) -> VirtualAddress? {
    let place = architecture == .x86_64 ? threadPointer &+ 8 : threadPointer
    let vector = try memory.word(at: place)
    guard vector != 0 else { return nil }
    let block = try memory.word(at: VirtualAddress(vector) &+ module &* 16)
    // All ones: TLS_DTV_UNALLOCATED.
    return block == 0 || block == .max ? nil : VirtualAddress(block)
  }

  /// The address of the program's variable at `offset` of its block, in the thread with this thread
  /// pointer: by the vector where that can be read and points below (x86-64) or above (AArch64)
  /// the control block, as it must; else by the fixed distance.
  public func address(
    ofVariableAt offset: UInt64, threadPointer: VirtualAddress, memory: some Memory
  ) -> VirtualAddress? {
    guard offset < size else { return nil }
    let fixed = staticBlock(threadPointer: threadPointer)
    do throws(MemoryFault) {
      if let block = try dynamicBlock(threadPointer: threadPointer, memory: memory),
        isPlausible(block, threadPointer)
      {
        return block.advanced(by: offset)
      }
    } catch {
      // The fixed distance remains.
    }
    return fixed?.advanced(by: offset)
  }

  private func isPlausible(_ block: VirtualAddress, _ pointer: VirtualAddress) -> Bool {
    if architecture == .x86_64 {
      guard let distance = pointer.offset(from: block) else { return false }
      return distance >= size && distance - size <= 2 * alignment
    } else {
      guard let distance = block.offset(from: pointer) else { return false }
      return distance >= 16 && distance <= 16 + 2 * alignment
    }
  }
}
