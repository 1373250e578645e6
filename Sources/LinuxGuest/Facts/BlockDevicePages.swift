internal import Bytes
internal import Targets

/// The page cache of block devices: `nr_blockdev_pages()` (block/bdev.c), the sum over the inodes of
/// the file system that they live in.
enum BlockDevicePages {
  /// More block devices than any machine has.
  private static let limit = 1 << 16

  static func count(_ kernel: LinuxKernel) throws(StructureError) -> UInt64 {
    let pointer = try kernel.longVariable("blockdev_superblock")
    let system = try kernel.object("struct super_block", at: VirtualAddress(pointer))
    let head = try system.member("s_inodes")
    let inode = try kernel.object("struct inode", at: head.address)
    let link = try inode.member("i_sb_list")
    let distance = link.address.rawValue &- inode.address.rawValue
    var sum: UInt64 = 0
    var seen: Set<UInt64> = []
    var next = try kernel.word(at: head.address)
    while next != head.address.rawValue {
      guard seen.count < limit, seen.insert(next).inserted else {
        throw .wrongType(wanted: "end of the list of block devices", address: VirtualAddress(next))
      }
      let device = inode.at(VirtualAddress(next) &- distance)
      if let mapping = try device.member("i_mapping").pointee() {
        sum &+= try mapping.member("nrpages").unsigned()
      }
      next = try kernel.word(at: VirtualAddress(next))
    }
    return sum
  }
}

extension TypedAddress {
  /// Another object of the same type.
  fileprivate func at(_ address: VirtualAddress) -> TypedAddress {
    TypedAddress(address: address, type: type, memory: memory)
  }
}
