import Bytes

/// The FDEs of a section by address, for when the linker left no table or a wrong one.
struct CFIIndex: Sendable {
  struct Entry: Sendable {
    let start: UInt64
    let end: UInt64
    let fde: UInt64
    /// The largest `end` of this entry and all before it: how far back an overlap can reach.
    var reach: UInt64
  }

  /// Sorted by `start`.
  let entries: [Entry]
  /// What was wrong with the first entry that couldn't be read. The others are in the index.
  let damage: UnwindError?

  /// Walks the section from its start to its terminator, its end, or an entry whose length is
  /// wrong.
  init(_ reader: CFIReader) {
    var entries: [Entry] = []
    var damage: UnwindError?
    var cies: [UInt64: Result<CommonInformation, UnwindError>] = [:]
    var offset: UInt64 = 0
    while offset < UInt64(reader.section.bytes.count) {
      let header: CFIReader.Header
      do throws(UnwindError) {
        header = try reader.header(at: offset)
      } catch {
        damage = damage ?? error
        break
      }
      offset = header.end
      switch header.kind {
      case .terminator:
        // In `.debug_frame` a zero length is only padding.
        if reader.section.kind == .ehFrame { offset = .max }
      case .cie: break
      case .fde(let cieOffset):
        do throws(UnwindError) {
          let cie: CommonInformation
          if let known = cies[cieOffset] {
            cie = try known.get()
          } else {
            let result = Self.readCIE(at: cieOffset, for: header.offset, reader)
            cies[cieOffset] = result
            cie = try result.get()
          }
          let fde = try reader.fde(header, cie: cie)
          if fde.start < fde.end, !fde.isDiscarded {
            entries.append(Entry(start: fde.start, end: fde.end, fde: fde.offset, reach: fde.end))
          }
        } catch {
          damage = damage ?? error
        }
      }
    }
    entries.sort { ($0.start, $0.fde) < ($1.start, $1.fde) }
    var reach: UInt64 = 0
    for index in entries.indices {
      reach = max(reach, entries[index].end)
      entries[index].reach = reach
    }
    self.entries = entries
    self.damage = damage
  }

  private static func readCIE(
    at offset: UInt64, for fde: UInt64, _ reader: CFIReader
  ) -> Result<CommonInformation, UnwindError> {
    do throws(UnwindError) {
      return .success(try reader.cie(at: offset, for: fde))
    } catch {
      return .failure(error)
    }
  }

  /// The offset of the FDE that starts last among those that contain `address`.
  func fde(for address: VirtualAddress) -> UInt64? {
    var low = 0
    var high = entries.count
    while low < high {
      let middle = low + (high - low) / 2
      if entries[middle].start <= address.rawValue { low = middle + 1 } else { high = middle }
    }
    while low > 0, entries[low - 1].reach > address.rawValue {
      low -= 1
      if entries[low].end > address.rawValue { return entries[low].fde }
    }
    return nil
  }
}

extension FrameDescription {
  /// The linker drops a function but keeps its FDE by setting the relative start to 0.
  var isDiscarded: Bool { start == 0 && cie.pointerEncoding.base != .nothing }
}
