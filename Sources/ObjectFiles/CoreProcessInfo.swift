internal import Bytes

/// What NT_PRPSINFO says of the process (linux/elfcore.h `struct elf_prpsinfo`, 64-bit machines).
///
///      0  pr_state i8    1  pr_sname char   2  pr_zomb i8   3  pr_nice i8   8  pr_flag u64
///     16  pr_uid u32    20  pr_gid u32
///     24  pr_pid i32    28  pr_ppid i32    32  pr_pgrp i32  36  pr_sid i32
///     40  pr_fname char[16]                56  pr_psargs char[80]
public struct CoreProcessInfo: Hashable, Sendable {
  static let size: UInt64 = 136

  /// The state's number in the kernel's own counting.
  public var state: Int8 = 0
  /// The state's letter as in ps(1): R, S, D, T, Z, W.
  public var stateLetter: UInt8 = 0
  public var isZombie = false
  public var nice: Int8 = 0
  /// The task's `PF_` flags.
  public var flags: UInt64 = 0
  public var userID: UInt32 = 0
  public var groupID: UInt32 = 0
  public var processID: Int32 = 0
  public var parentID: Int32 = 0
  public var processGroup: Int32 = 0
  public var session: Int32 = 0
  /// The executable's file name, cut to 15 bytes.
  public var name = ""
  /// The command line with spaces between its words, cut to 79 bytes.
  public var arguments = ""

  public init(processID: Int32) { self.processID = processID }

  init(_ descriptor: ByteView) throws(ByteError) {
    var cursor = ByteCursor(descriptor)
    state = try cursor.read()
    stateLetter = try cursor.read()
    isZombie = try cursor.read(Int8.self) != 0
    nice = try cursor.read()
    try cursor.align(to: 8)
    flags = try cursor.read()
    userID = try cursor.read()
    groupID = try cursor.read()
    processID = try cursor.read()
    parentID = try cursor.read()
    processGroup = try cursor.read()
    session = try cursor.read()
    name = Self.text(try cursor.readBytes(16))
    arguments = Self.text(try cursor.readBytes(80))
  }

  /// Up to the first NUL, and without the space that the kernel leaves after the last word.
  private static func text(_ field: ByteView) -> String {
    var bytes = field.copy().prefix { $0 != 0 }
    while bytes.last == 0x20 { bytes.removeLast() }
    return String(decoding: bytes, as: UTF8.self)
  }

  func encode() -> [UInt8] {
    var writer = ByteWriter()
    writer.append(state)
    writer.append(stateLetter)
    writer.append(Int8(isZombie ? 1 : 0))
    writer.append(nice)
    writer.pad(to: 8)
    writer.append(flags)
    writer.append(userID)
    writer.append(groupID)
    writer.append(processID)
    writer.append(parentID)
    writer.append(processGroup)
    writer.append(session)
    writer.append(name, paddedTo: 16)
    writer.append(arguments, paddedTo: 80)
    return writer.bytes
  }
}
