internal import Bytes
internal import Symbols
public import Targets

extension AddressSpaceReader {
  /// All mappings of `space`: by the maple tree of 6.1 and later, else by the list before. A damaged
  /// mapping costs only itself.
  public func mappings(of space: GuestAddressSpace) throws(StructureError) -> GuestMappings {
    let image = StructureImage(memory, at: space.address, in: kernel.memory)
    var reading = MappingReading(reader: self, space: space)
    if let maple {
      reading.result.evidence = "the maple tree mm_mt"
      let tree = MapleTree(
        root: try image.unsigned(.mappingTree), layouts: maple, in: kernel.memory,
        limit: Self.mappingLimit)
      reading.result.diagnostics = tree.damage
      for entry in tree.entries { reading.add(entry) }
    } else {
      reading.result.evidence = "the list mm->mmap"
      try reading.addList(from: try image.pointer(.mappingList))
    }
    let found = reading.result.mappings.count
    if found != space.mappingCount {
      reading.result.diagnostics.append(
        "\(found) mappings were found, but the kernel counts \(space.mappingCount)")
    }
    if let gate = special.gate, try hasGate(image) { reading.addGate(gate) }
    return reading.result
  }

  /// More mappings than `vm.max_map_count` is ever set to in earnest.
  static let mappingLimit = 1 << 20

  /// Whether the process has the page of old system calls: those of 32 bits haven't.
  private func hasGate(_ image: StructureImage<MemoryMember>) throws(StructureError) -> Bool {
    if let flags = try image.unsignedIfThere(.contextFlags) {
      // MM_CONTEXT_HAS_VSYSCALL
      return flags & 2 != 0
    }
    return try image.unsignedIfThere(.contextIs32Bit) ?? 0 == 0
  }
}

/// Puts the mappings of one address space together.
private struct MappingReading {
  let reader: AddressSpaceReader
  let space: GuestAddressSpace
  var result = GuestMappings(evidence: "")
  /// Many mappings are of one file.
  private var files: [VirtualAddress: MappedFileName] = [:]

  init(reader: AddressSpaceReader, space: GuestAddressSpace) {
    self.reader = reader
    self.space = space
  }

  private func image(_ address: VirtualAddress) -> StructureImage<MappingMember> {
    StructureImage(reader.mapping, at: address, in: reader.kernel.memory)
  }

  mutating func add(_ entry: MapleTree.Entry) {
    let image = image(entry.pointer)
    guard var mapping = mapping(image) else { return }
    if mapping.range.lowerBound.rawValue != entry.first
      || mapping.range.upperBound.rawValue &- 1 != entry.last
    {
      mapping.diagnostics.append(
        "the tree has it at \(hex(entry.first))-\(hex(entry.last &+ 1))")
    }
    result.mappings.append(mapping)
  }

  mutating func addList(from first: VirtualAddress?) throws(StructureError) {
    var next = first
    var seen: Set<VirtualAddress> = []
    while let address = next {
      guard seen.insert(address).inserted, seen.count <= AddressSpaceReader.mappingLimit else {
        result.diagnostics.append("the list comes back to \(address)")
        return
      }
      let image = image(address)
      if let mapping = mapping(image) { result.mappings.append(mapping) }
      do throws(StructureError) {
        next = try image.pointer(.next)
      } catch {
        result.diagnostics.append("the list ends at \(address): \(error)")
        return
      }
    }
  }

  /// The page at a fixed address of the kernel's half.
  mutating func addGate(_ address: VirtualAddress) {
    guard var gate = mapping(image(address), isGate: true) else { return }
    gate.label = "[vsyscall]"
    result.mappings.append(gate)
  }

  /// Nil (and a diagnostic) if it can't be told where the mapping is.
  private mutating func mapping(
    _ image: StructureImage<MappingMember>, isGate: Bool = false
  ) -> GuestMapping? {
    var mapping: GuestMapping
    do throws(StructureError) {
      let start = VirtualAddress(try image.unsigned(.start))
      let end = VirtualAddress(try image.unsigned(.end))
      guard start < end else {
        result.diagnostics.append(
          "the mapping at \(image.address) ends before it begins: \(start)-\(end)")
        return nil
      }
      mapping = GuestMapping(
        address: image.address, range: start..<end, flags: try image.unsigned(.flags))
      if !isGate, try image.unsigned(.memory) != space.address.rawValue {
        mapping.diagnostics.append("says that it is of another address space")
      }
    } catch {
      result.diagnostics.append("the mapping at \(image.address): \(error)")
      return nil
    }
    do throws(StructureError) {
      try describe(&mapping, image)
    } catch {
      mapping.diagnostics.append("\(error)")
    }
    return mapping
  }

  /// What it shows, in the order in which `show_map_vma` (fs/proc/task_mmu.c) asks.
  private mutating func describe(
    _ mapping: inout GuestMapping, _ image: StructureImage<MappingMember>
  ) throws(StructureError) {
    let file = try image.pointer(.file)
    if let file {
      mapping.offset = try image.unsigned(.pageOffset) << 12
      mapping.file = try self.file(at: file)
    }
    if let name = try anonymousName(image, isFile: file != nil) {
      // Behind the labels that come first, as the kernel does.
      mapping.label = file == nil ? "[anon:\(name)]" : "[anon_shmem:\(name)]"
    }
    guard file == nil else { return }
    if let operations = try image.pointer(.operations),
      reader.special.operations.contains(operations),
      let data = try image.pointer(.privateData)
    {
      let special = StructureImage(
        reader.specialMapping, at: data, in: reader.kernel.memory)
      if let name = try special.pointer(.name) {
        mapping.label = try text(at: name)
        return
      }
    }
    if mapping.range.lowerBound <= space.heap.upperBound,
      mapping.range.upperBound >= space.heap.lowerBound
    {
      mapping.label = "[heap]"
    } else if mapping.range.lowerBound <= space.stackStart,
      mapping.range.upperBound >= space.stackStart
    {
      mapping.label = "[stack]"
    }
  }

  /// What `prctl(PR_SET_VMA)` has named it: the text behind the reference count of
  /// `struct anon_vma_name`.
  private func anonymousName(
    _ image: StructureImage<MappingMember>, isFile: Bool
  ) throws(StructureError) -> String? {
    guard let place = reader.mapping[.anonymousName] else { return nil }
    // Until 6.1 it shares its place with what only mappings of files have.
    if isFile, place.offset == reader.mapping[.sharedTree]?.offset { return nil }
    guard let name = try image.pointer(.anonymousName) else { return nil }
    return try text(at: name &+ 4)
  }

  private func text(at address: VirtualAddress) throws(StructureError) -> String {
    do throws(MemoryFault) {
      return String(
        decoding: try reader.kernel.memory.cString(at: address, limit: 80).bytes, as: UTF8.self)
    } catch {
      throw .memory(error)
    }
  }

  private mutating func file(at address: VirtualAddress) throws(StructureError) -> MappedFileName {
    if let known = files[address] { return known }
    let file = try reader.paths.file(at: address)
    // MAJOR and MINOR (include/linux/kdev_t.h)
    let name = MappedFileName(
      path: file.path, isDeleted: file.isDeleted,
      deviceMajor: UInt32(truncatingIfNeeded: file.device >> 20 & 0xfff),
      deviceMinor: UInt32(truncatingIfNeeded: file.device & 0xf_ffff), inode: file.inode)
    files[address] = name
    return name
  }
}
