import Bytes
import Symbols
import Targets
import Unwinding

/// Finds out what the user called an IOThread.
///
/// Nothing leads from an event loop to its IOThread, but the thread that runs the loop has the
/// IOThread's address on its stack (`iothread_run`'s argument), and the structure names both the
/// loop and the thread (include/sysemu/iothread.h). Its name is the key of the property by which its
/// parent in QOM's tree holds it (qom/object.c), which are in a GLib hash table.
struct IOThreadNames {
  let structures: QEMUStructures

  /// How much of a thread's stack is looked at, from the innermost frame: the loop's frames lie
  /// within it.
  private static let depth: UInt64 = 16 << 10

  /// The name of the IOThread that `thread` runs, whose event loop is at `context`; nil if the
  /// thread is none, or has no name.
  func name(of thread: HostThread, context: VirtualAddress) throws(StructureError) -> String? {
    let process = structures.process
    guard let pointer = thread.registers[process.architecture.stackPointer],
      let sample = try structures.structure("IOThread", in: "iothread.c", at: context)
    else { return nil }
    var seen: Set<UInt64> = []
    var address = VirtualAddress(pointer & ~7)
    let end = address &+ Self.depth
    while address < end {
      let word: UInt64
      do throws(MemoryFault) {
        word = try process.memory.word(at: address)
      } catch {
        break
      }
      address = address &+ 8
      guard word & 7 == 0, process.isWritable(word), seen.insert(word).inserted else { continue }
      let candidate = TypedAddress(
        address: VirtualAddress(word), type: sample.type, memory: process.memory)
      if isRun(candidate, by: thread, context) { return try propertyName(of: candidate) }
    }
    return nil
  }

  private func isRun(
    _ candidate: TypedAddress, by thread: HostThread, _ context: VirtualAddress
  ) -> Bool {
    do throws(StructureError) {
      let loop = try candidate.member("ctx").unsigned()
      let id = try candidate.member("thread_id").signed()
      return loop == context.rawValue && id == Int64(thread.id)
    } catch {
      // Not readable to its end: no IOThread.
      return false
    }
  }

  private func propertyName(of thread: TypedAddress) throws(StructureError) -> String? {
    guard
      let object = try structures.structure("Object", in: "object.c", at: thread.address),
      let parent = try object.member("parent").pointee(),
      let sample = try structures.structure(
        "ObjectProperty", in: "object.c", at: thread.address)
    else { return nil }
    let table = VirtualAddress(try parent.member("properties").unsigned())
    let values: [UInt64]
    do throws(MemoryFault) {
      values = try HashTable(at: table, in: structures.process.memory).values
    } catch {
      throw .memory(error)
    }
    for value in values {
      let property = TypedAddress(
        address: VirtualAddress(value), type: sample.type, memory: structures.process.memory)
      if isProperty(property, of: thread) { return try property.member("name").string() }
    }
    return nil
  }

  private func isProperty(
    _ property: TypedAddress, of thread: TypedAddress
  ) -> Bool {
    do throws(StructureError) {
      return try property.member("opaque").unsigned() == thread.address.rawValue
    } catch {
      // A value that is no property's address belongs to another layout of the table.
      return false
    }
  }
}
