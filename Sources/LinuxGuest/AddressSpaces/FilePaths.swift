internal import Bytes
internal import Symbols
internal import Targets

/// Names of files as `d_path` (fs/d_path.c) gives them to readers of `/proc`.
struct FilePaths: Sendable {
  /// A file that a mapping shows.
  struct File: Hashable, Sendable {
    var path: String
    /// Its name was removed from its directory, or it never had one.
    var isDeleted: Bool
    /// `s_dev`: 12 bits of major and 20 of minor number.
    var device: UInt64
    var inode: UInt64
  }

  /// A `struct path`.
  private struct Place: Hashable {
    var mount: VirtualAddress
    var dentry: VirtualAddress
  }

  private let kernel: LinuxKernel
  private let file: StructureLayout<FileMember>
  private let backing: StructureLayout<BackingFileMember>?
  private let dentry: StructureLayout<DentryMember>
  private let operations: StructureLayout<DentryOperationsMember>
  private let mount: StructureLayout<MountMember>
  private let inode: StructureLayout<InodeMember>
  private let superblock: StructureLayout<SuperblockMember>
  /// Where paths begin: what the guest's first task calls `/`.
  private let root: Place

  init(_ kernel: LinuxKernel) throws(StructureError) {
    self.kernel = kernel
    file = try StructureLayout(kernel.types)
    dentry = try StructureLayout(kernel.types)
    operations = try StructureLayout(kernel.types)
    mount = try StructureLayout(kernel.types)
    inode = try StructureLayout(kernel.types)
    superblock = try StructureLayout(kernel.types)
    do throws(StructureError) {
      backing = try StructureLayout(kernel.types)
    } catch {
      // Before 6.5 there are none.
      guard case .noType = error else { throw error }
      backing = nil
    }
    let fileSystem = try kernel.variable("init_task", "struct task_struct").member("fs").pointee()
    guard let fileSystem else { throw .noVariable("init_task.fs") }
    let image = StructureImage<FileSystemMember>(
      try StructureLayout(kernel.types), at: fileSystem.address, in: kernel.memory)
    root = Place(
      mount: VirtualAddress(try image.unsigned(.rootMount)),
      dentry: VirtualAddress(try image.unsigned(.rootDentry)))
  }

  /// The file whose `struct file` is at `address`.
  func file(at address: VirtualAddress) throws(StructureError) -> File {
    let image = StructureImage(file, at: address, in: kernel.memory)
    var place = Place(
      mount: VirtualAddress(try image.unsigned(.mount)),
      dentry: VirtualAddress(try image.unsigned(.dentry)))
    var inodeAddress = VirtualAddress(try image.unsigned(.inode))
    if let shown = try userPlace(of: image) {
      place = shown
      let name = StructureImage(dentry, at: shown.dentry, in: kernel.memory)
      inodeAddress = VirtualAddress(try name.unsigned(.inode))
    }
    let (path, isDeleted) = try path(of: place)
    let inode = StructureImage(inode, at: inodeAddress, in: kernel.memory)
    let number = try inode.unsigned(.number)
    let block = StructureImage(
      superblock, at: VirtualAddress(try inode.unsigned(.superblock)), in: kernel.memory)
    return File(
      path: path, isDeleted: isDeleted, device: try block.unsigned(.device), inode: number)
  }

  /// `FMODE_BACKING` (include/linux/fs.h): the file is of a layer below the one that the task opened.
  /// Bit 25 from 6.5 on, bit 24 since 6.14; each means something else in other kernels, so that the
  /// path behind the file has to prove itself.
  private static let mayBeBacking: UInt64 = 1 << 24 | 1 << 25

  private func userPlace(
    of image: StructureImage<FileMember>
  ) throws(StructureError) -> Place? {
    guard let backing, let offset = backing[.file]?.offset, backing[.userMount] != nil,
      try image.unsigned(.mode) & Self.mayBeBacking != 0
    else { return nil }
    let outer = StructureImage(backing, at: image.address &- offset, in: kernel.memory)
    let place: Place
    do throws(StructureError) {
      place = Place(
        mount: VirtualAddress(try outer.unsigned(.userMount)),
        dentry: VirtualAddress(try outer.unsigned(.userDentry)))
      let block = try mount(of: place.mount).unsigned(.superblock)
      let name = StructureImage(dentry, at: place.dentry, in: kernel.memory)
      guard block != 0, try name.unsigned(.superblock) == block else { return nil }
    } catch {
      // What lies behind the file is no path: the bit means something else here.
      guard case .memory = error else { throw error }
      return nil
    }
    return place
  }

  // MARK: Paths

  /// `PATH_MAX`: d_path gives nothing longer.
  private static let lengthLimit = 4096

  private func path(of place: Place) throws(StructureError) -> (path: String, isDeleted: Bool) {
    let leaf = StructureImage(dentry, at: place.dentry, in: kernel.memory)
    if let name = try dynamicName(of: leaf, place) { return name }
    // `d_unlinked`: no longer in the table of names.
    let isRoot = try leaf.unsigned(.parent) == place.dentry.rawValue
    let isHashed = try leaf.unsigned(.hashLink) != 0
    let isDeleted = !isRoot && !isHashed
    var names: [[UInt8]] = []
    var length = 0
    var current = place
    // Each round goes up by a name or by a mount; no path has more of both than this.
    for _ in 0..<Self.lengthLimit {
      if current == root { return (Self.joined(names), isDeleted) }
      let mount = try mount(of: current.mount)
      if try mount.unsigned(.root) == current.dentry.rawValue {
        let parent = try mount.unsigned(.parent)
        // The topmost mount is its own parent.
        if parent == mount.address.rawValue { return (Self.joined(names), isDeleted) }
        current = Place(
          mount: VirtualAddress(parent) &+ (try self.mount.place(of: .inner)).offset,
          dentry: VirtualAddress(try mount.unsigned(.mountpoint)))
        continue
      }
      let name = StructureImage(dentry, at: current.dentry, in: kernel.memory)
      let parent = VirtualAddress(try name.unsigned(.parent))
      // A file system's root above the root of the mount: the mount shows only a part of it.
      if parent == current.dentry { return (Self.joined(names), isDeleted) }
      names.append(try self.name(of: name))
      length += (names.last?.count ?? 0) + 1
      if length > Self.lengthLimit { break }
      current.dentry = parent
    }
    throw .wrongType(wanted: "path shorter than \(Self.lengthLimit) bytes", address: place.dentry)
  }

  private static func joined(_ names: [[UInt8]]) -> String {
    guard !names.isEmpty else { return "/" }
    var path: [UInt8] = []
    for name in names.reversed() {
      path.append(UInt8(ascii: "/"))
      path += name
    }
    return String(decoding: path, as: UTF8.self)
  }

  private func mount(
    of vfsMount: VirtualAddress
  ) throws(StructureError) -> StructureImage<MountMember> {
    StructureImage(
      mount, at: vfsMount &- (try mount.place(of: .inner)).offset, in: kernel.memory)
  }

  private func name(of dentry: StructureImage<DentryMember>) throws(StructureError) -> [UInt8] {
    let address = VirtualAddress(try dentry.unsigned(.name))
    // `NAME_MAX`
    let length = min(try dentry.unsigned(.nameLength), 255)
    do throws(MemoryFault) {
      return try kernel.memory.read(address, count: length).copy()
    } catch {
      throw .memory(error)
    }
  }

  // MARK: Files without a name in any directory

  /// How file systems without directories name their files: by the function at `d_dname`.
  private static let dynamicNames: [String: @Sendable (String, UInt64) -> String] = [
    // fs/d_path.c: memfd_create, System V's shared memory, /dev/zero.
    "simple_dname": { name, _ in "/\(name)" },
    // net/socket.c
    "sockfs_dname": { _, inode in "socket:[\(inode)]" },
    // fs/pipe.c
    "pipefs_dname": { _, inode in "pipe:[\(inode)]" },
    // fs/anon_inodes.c
    "anon_inodefs_dname": { name, _ in "anon_inode:\(name)" },
    // drivers/dma-buf/dma-buf.c, without the name that its owner may have given it
    "dmabuffs_dname": { _, _ in "/dmabuf:" },
  ]

  private func dynamicName(
    of leaf: StructureImage<DentryMember>, _ place: Place
  ) throws(StructureError) -> (path: String, isDeleted: Bool)? {
    guard let table = try leaf.pointer(.operations) else { return nil }
    let operations = StructureImage(operations, at: table, in: kernel.memory)
    guard let function = try operations.pointer(.dynamicName) else { return nil }
    let isRoot = try leaf.unsigned(.parent) == place.dentry.rawValue
    if isRoot, try mount(of: place.mount).unsigned(.root) == place.dentry.rawValue { return nil }
    guard let (symbol, offset) = kernel.symbols.symbol(at: function.rawValue), offset == 0,
      let naming = Self.dynamicNames[symbol.name]
    else { return nil }
    let name = String(decoding: try self.name(of: leaf), as: UTF8.self)
    let inode = VirtualAddress(try leaf.unsigned(.inode))
    let number = try StructureImage(self.inode, at: inode, in: kernel.memory).unsigned(.number)
    return (naming(name, number), symbol.name == "simple_dname")
  }
}
