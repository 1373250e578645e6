import Bytes
import ObjectFiles
import Unwinding

/// Modules for the code that a process made while it ran. Nothing is looked for until a program
/// counter lies in executable memory that no loaded module covers.
final class JITModules: Sendable {
  private let registered: Lazy<[Module]>
  private let found: Lazy<[Module]>
  /// What was damaged, as far as it was looked at.
  let problems: ProblemLog

  init(_ search: JITSearch) {
    let problems = ProblemLog()
    self.problems = problems
    let registered = Lazy { search.registeredModules(problems) }
    self.registered = registered
    found = Lazy { search.modulesInMemory(besides: registered.value) }
  }

  /// The module that describes the code at `address`: a registered one or, failing that, one that
  /// lies about in memory.
  func module(containing address: VirtualAddress) -> Module? {
    registered.value.module(containing: address) ?? found.value.module(containing: address)
  }
}

extension Module {
  /// What stands for the path of code that has no file.
  public static let generatedCodePath = "[jit]"
}

extension [Module] {
  /// The module that holds `address`, among modules in ascending order.
  func module(containing address: VirtualAddress) -> Module? {
    let index = Bytes.partition(count) { self[$0].range.lowerBound <= address }
    guard index > 0, self[index - 1].range.contains(address) else { return nil }
    return self[index - 1]
  }
}

/// Looks for the images by which a process describes its own code.
struct JITSearch: Sendable {
  let architecture: Architecture
  let memory: AddressSpace
  let mappings: [Mapping]
  /// The loaded ones, in ascending order.
  let modules: [Module]

  // MARK: Registered with debuggers

  /// A module for each registered image, in ascending order.
  func registeredModules(_ problems: ProblemLog) -> [Module] {
    var images: [JITImage] = []
    for descriptor in descriptors() {
      let interface = JITInterface(descriptor: descriptor, in: memory)
      if let damage = interface.damage { problems.add(damage) }
      for entry in interface.entries {
        let image = problems.attempt("the JIT image at \(entry.address)") {
          () throws(ObjectError) -> JITImage? in
          try JITImage(try bytes(of: entry), evidence: .registeredImage)
        }
        if let image { images.append(image) }
      }
    }
    return disjoint(images)
  }

  /// Where the lists begin. The program's symbols are all read, as they are for a backtrace in any
  /// case; of libraries, only what they export.
  private func descriptors() -> [VirtualAddress] {
    modules.compactMap { module in
      let name = JITInterface.symbolName
      var address = module.exports[name]
      if address == nil, module.isProgram {
        address = module.contents.symbols?.symbol(named: name)?.address
      }
      return address.map(module.loadedAddress)
    }
  }

  private func bytes(of entry: JITInterface.Entry) throws(ObjectError) -> ByteView {
    guard entry.size <= JITImage.sizeLimit else {
      throw .unsupported(reason: "it claims \(entry.size) bytes")
    }
    do throws(MemoryFault) {
      return try memory.read(entry.address, count: entry.size)
    } catch {
      throw .memory(what: "its bytes", fault: error)
    }
  }

  /// Modules of `images`, without those whose code overlaps another's.
  private func disjoint(_ images: [JITImage]) -> [Module] {
    var kept: [JITImage] = []
    for image in images.sorted(by: { $0.code.lowerBound < $1.code.lowerBound }) {
      if let last = kept.last, image.code.lowerBound < last.code.upperBound { continue }
      kept.append(image)
    }
    return kept.map { $0.module(architecture: architecture) }
  }

  // MARK: Found in memory

  /// How a 64-bit little-endian ELF file begins: 7f 'E' 'L' 'F', class 2, byte order 1, version 1.
  private static let magic: UInt64 = 0x0001_0102_464c_457f
  /// The eighth byte names an OS ABI, and may differ.
  private static let magicMask: UInt64 = 0x00ff_ffff_ffff_ffff

  /// A module for each image in heap-like memory that describes code where no module is.
  func modulesInMemory(besides known: [Module]) -> [Module] {
    var images: [JITImage] = []
    for mapping in mappings where isHeapLike(mapping) {
      for region in memory.regions(in: mapping) {
        guard let bytes = region.bytes else { continue }
        for offset in Self.candidates(in: bytes) {
          if let image = image(at: offset, in: bytes),
            known.module(containing: image.code.lowerBound) == nil
          {
            images.append(image)
          }
        }
      }
    }
    return disjoint(images)
  }

  /// Offsets, multiples of 8, at which an ELF header may begin.
  private static func candidates(in bytes: ByteView) -> [UInt64] {
    var candidates: [UInt64] = []
    do throws(ByteError) {
      for offset in stride(from: 0, to: bytes.count & ~7, by: 8)
      where try bytes.load(UInt64.self, at: UInt64(offset)) & Self.magicMask == Self.magic {
        candidates.append(UInt64(offset))
        if candidates.count == JITInterface.countLimit { return candidates }
      }
    } catch {
      return candidates  // Can't happen: the offsets were counted.
    }
    return candidates
  }

  /// The image at `offset` if it describes code of this CPU in executable memory that no module
  /// covers.
  private func image(at offset: UInt64, in bytes: ByteView) -> JITImage? {
    let rest = bytes.clampedSubview(at: offset, count: JITImage.sizeLimit)
    do throws(ObjectError) {
      guard let image = try JITImage(rest, evidence: .foundImage),
        Architecture(image.image.header.machine) == architecture,
        image.image.section(named: ".debug_frame") != nil
          || image.image.section(named: ".eh_frame") != nil,
        modules.module(containing: image.code.lowerBound) == nil,
        isExecutable(image.code)
      else { return nil }
      return image
    } catch {
      return nil  // Not an image after all: file contents in a buffer, leftovers.
    }
  }

  private func isExecutable(_ code: Range<VirtualAddress>) -> Bool {
    let index = partition(mappings.count) { mappings[$0].start <= code.lowerBound }
    return index > 0 && mappings[index - 1].contains(code.lowerBound)
      && mappings[index - 1].protection?.contains(.execute) == true
  }

  /// From this size on, in bytes, a mapping is no malloc arena (glibc's are at most 64 MiB), but a
  /// guest's memory, which neither needs to be searched nor can be trusted.
  private static let largeSize: UInt64 = 96 << 20
  /// How far above the program the heap that grows with `brk` may begin (Linux randomises by up to
  /// 32 MiB or 1 GiB), and how large it is searched.
  private static let heapDistance: UInt64 = 2 << 30

  private func isHeapLike(_ mapping: Mapping) -> Bool {
    guard let protection = mapping.protection, protection.contains(.write),
      !protection.contains(.execute), mapping.path == nil
    else { return false }
    if mapping.count < Self.largeSize { return true }
    guard mapping.count < Self.heapDistance,
      let program = modules.first(where: \.isProgram),
      let distance = mapping.start.offset(from: program.range.lowerBound)
    else { return false }
    return distance < Self.heapDistance
  }
}

extension AddressSpace {
  /// What is known of the memory in `mapping`.
  func regions(in mapping: Mapping) -> [MemoryRegion] {
    guard mapping.count > 0 else { return [] }
    let last = mapping.start &+ (mapping.count - 1)
    let first = partition(regions.count) { regions[$0].last < mapping.start.rawValue }
    return regions[first...].prefix { $0.start <= last }.compactMap {
      $0.clipped(from: mapping.start.rawValue, through: last.rawValue)
    }
  }
}
