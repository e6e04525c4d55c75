import SpadixIR

/// What a name of the model stands for while its nodes are imported.
enum ImportedValue {
  /// Known elements.
  case constant(ConstantTensor)
  /// Elements that the graph computes.
  case computed(PlacedValue)
  /// The result of a node that was refused.
  case refused
}

/// A value of the graph, and how a tensor of the model lies in it.
struct PlacedValue {
  var value: ValueID
  var placement: Placement

  var shape: [Int] { placement.shape }
}
