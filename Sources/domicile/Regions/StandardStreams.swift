import Foundation

/// A line for people on standard error, so that standard output holds results only.
func printError(_ text: String) {
  FileHandle.standardError.write(Data((text + "\n").utf8))
}
