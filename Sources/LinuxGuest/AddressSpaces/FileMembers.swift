/// What is read of `struct file` (include/linux/fs.h).
enum FileMember: Int, StructureMember {
  case mount, dentry, inode, mode

  static let structure = "struct file"

  var names: [MemberName] {
    switch self {
    case .mount: [MemberName("f_path.mnt", "5.4–")]
    case .dentry: [MemberName("f_path.dentry", "5.4–")]
    case .inode: [MemberName("f_inode", "5.4–")]
    case .mode: [MemberName("f_mode", "5.4–")]
    }
  }
}

/// What is read of `struct backing_file` (fs/file_table.c): the file of a lower layer that stands in
/// for one of overlayfs.
enum BackingFileMember: Int, StructureMember {
  case file, userMount, userDentry

  static let structure = "struct backing_file"

  var names: [MemberName] {
    switch self {
    case .file: [MemberName("file", "6.5–")]
    case .userMount: [MemberName("user_path.mnt", "6.7–")]
    case .userDentry: [MemberName("user_path.dentry", "6.7–")]
    }
  }
}

/// What is read of `struct dentry` (include/linux/dcache.h), a file's name in its directory.
enum DentryMember: Int, StructureMember {
  case parent, name, nameLength, hashLink, operations, inode, superblock

  static let structure = "struct dentry"

  var names: [MemberName] {
    switch self {
    case .parent: [MemberName("d_parent", "5.4–")]
    case .name: [MemberName("d_name.name", "5.4–"), MemberName("__d_name.name", "6.17–")]
    case .nameLength: [MemberName("d_name.len", "5.4–"), MemberName("__d_name.len", "6.17–")]
    case .hashLink: [MemberName("d_hash.pprev", "5.4–")]
    case .operations: [MemberName("d_op", "5.4–")]
    case .inode: [MemberName("d_inode", "5.4–")]
    case .superblock: [MemberName("d_sb", "5.4–")]
    }
  }
}

/// What is read of `struct dentry_operations` (include/linux/dcache.h).
enum DentryOperationsMember: Int, StructureMember {
  case dynamicName

  static let structure = "struct dentry_operations"

  var names: [MemberName] { [MemberName("d_dname", "5.4–")] }
}

/// What is read of `struct mount` (fs/mount.h). Others know only the `struct vfsmount` in it.
enum MountMember: Int, StructureMember {
  case parent, mountpoint, inner, root, superblock

  static let structure = "struct mount"

  var names: [MemberName] {
    switch self {
    case .parent: [MemberName("mnt_parent", "5.4–")]
    case .mountpoint: [MemberName("mnt_mountpoint", "5.4–")]
    case .inner: [MemberName("mnt", "5.4–")]
    case .root: [MemberName("mnt.mnt_root", "5.4–")]
    case .superblock: [MemberName("mnt.mnt_sb", "5.4–")]
    }
  }
}

/// What is read of `struct inode` (include/linux/fs.h).
enum InodeMember: Int, StructureMember {
  case number, superblock

  static let structure = "struct inode"

  var names: [MemberName] {
    switch self {
    case .number: [MemberName("i_ino", "5.4–")]
    case .superblock: [MemberName("i_sb", "5.4–")]
    }
  }
}

/// What is read of `struct super_block` (include/linux/fs.h).
enum SuperblockMember: Int, StructureMember {
  case device

  static let structure = "struct super_block"

  var names: [MemberName] { [MemberName("s_dev", "5.4–")] }
}

/// What is read of `struct fs_struct` (include/linux/fs_struct.h).
enum FileSystemMember: Int, StructureMember {
  case rootMount, rootDentry

  static let structure = "struct fs_struct"

  var names: [MemberName] {
    switch self {
    case .rootMount: [MemberName("root.mnt", "5.4–")]
    case .rootDentry: [MemberName("root.dentry", "5.4–")]
    }
  }
}
