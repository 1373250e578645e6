internal import Bytes
internal import Symbols
internal import Targets

/// Finds the types that a kernel's image describes: its BTF, which the linker puts between
/// `__start_BTF` and `__stop_BTF` (include/asm-generic/vmlinux.lds.h).
struct KernelTypes {
  let symbols: any SymbolTable
  let memory: VirtualMemory
  let place: KernelPlace

  struct Found {
    var library: any TypeLibrary = NoTypes()
    var evidence: [String] = []
    var diagnostics: [String] = []
  }

  /// More than any image has.
  private static let sizeLimit: UInt64 = 64 << 20

  func find() -> Found {
    var found = Found()
    if let range = namedRange {
      let named = "__start_BTF, \(range.lowerBound)"
      if read(
        range.lowerBound, count: range.upperBound.rawValue - range.lowerBound.rawValue, at: named,
        &found)
      {
        return found
      }
    }
    for (address, count) in candidates() {
      if read(address, count: count, at: "its magic number at \(address)", &found) { return found }
    }
    return found
  }

  private var namedRange: Range<VirtualAddress>? {
    guard let start = symbols.symbol(named: "__start_BTF"),
      let stop = symbols.symbol(named: "__stop_BTF"), start.address < stop.address,
      stop.address - start.address <= Self.sizeLimit
    else { return nil }
    return VirtualAddress(start.address)..<VirtualAddress(stop.address)
  }

  private func read(
    _ address: VirtualAddress, count: UInt64, at what: String, _ found: inout Found
  ) -> Bool {
    do throws(MemoryFault) {
      let bytes = try memory.read(address, count: count)
      do throws(SymbolError) {
        let types = try BTFTypes(bytes)
        guard types.endID > types.firstID else {
          found.diagnostics.append("BTF by \(what): there is no type in it")
          return false
        }
        if let damage = types.damage { found.diagnostics.append("BTF by \(what): \(damage)") }
        found.library = types
        found.evidence.append("BTF: \(types.endID - 1) types in \(count) bytes, by \(what)")
        return true
      } catch {
        found.diagnostics.append("BTF by \(what): \(error)")
      }
    } catch {
      found.diagnostics.append("BTF by \(what): \(error)")
    }
    return false
  }

  // MARK: By its header

  /// `struct btf_header` (include/uapi/linux/btf.h) of version 1:
  ///
  ///     0      2  3  4        8         12        16       20
  ///     eb9f   1  0  24       type_off  type_len  str_off  str_len
  private static let firstWord: UInt64 = 0x0000_0018_0001_eb9f
  private static let headerSize: UInt64 = 24
  private static let limit = 16

  /// Where the image holds such a header, and how much it describes.
  private func candidates() -> [(address: VirtualAddress, count: UInt64)] {
    var result: [(address: VirtualAddress, count: UInt64)] = []
    let mapping = KernelImageMapping(place.pageTables, in: memory.physical)
    for extent in mapping.extents {
      for part in memory.physical.readableParts(of: extent.physical, count: extent.count) {
        let start = extent.virtual &+ (part.start.rawValue - extent.physical.rawValue)
        do throws(PhysicalFault) {
          let view = try memory.physical.read(part.start, count: part.count)
          // The section is aligned to 4 bytes.
          for first in [UInt64(0), 4] {
            view.forEachOccurrence(of: Self.firstWord, from: first) { offset in
              if let count = Self.size(of: view, at: offset) {
                result.append((start &+ offset, count))
              }
              return result.count < Self.limit
            }
          }
        } catch {
          // What isn't there holds no types.
          continue
        }
      }
    }
    return result
  }

  private static func size(of view: ByteView, at offset: UInt64) -> UInt64? {
    do throws(ByteError) {
      var cursor = ByteCursor(view, at: offset + 8)
      let types = UInt64(try cursor.read(UInt32.self)) + UInt64(try cursor.read(UInt32.self))
      let strings = UInt64(try cursor.read(UInt32.self)) + UInt64(try cursor.read(UInt32.self))
      let count = headerSize + max(types, strings)
      return count <= sizeLimit ? count : nil
    } catch {
      return nil
    }
  }
}

/// The types of a kernel whose image describes none.
struct NoTypes: TypeLibrary {
  func type(named name: String) throws(SymbolError) -> TypeReference? { nil }
}
