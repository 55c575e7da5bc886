package layer

// MaxPacked is the size in bytes that no layer may exceed when packed: some image repositories refuse larger ones,
// and what is interrupted starts again from its first byte.
const MaxPacked = 100 << 20

// Planner decides which parts share a layer. It is a function of its arguments: the same parts, in any order, give
// the same layers. Each part is in exactly one layer; layers are in the order in which the image stacks them, the
// lowest first. At most most layers come out, unless that is impossible, which is an error.
type Planner interface {
	Plan(parts []Part, most int) ([][]Part, error)
	// Version changes whenever the same parts may give other layers.
	Version() string
}
