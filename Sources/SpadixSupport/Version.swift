/// The version of the package: in `--version`, and in files that another version must not take for its own.
public enum Version {
  /// Major, minor and patch.
  public static let current = "0.1.0"
}
