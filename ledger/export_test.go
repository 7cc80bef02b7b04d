package ledger

// The two ways to read a leaf.
var (
	ScanEntry   = scanEntry
	DecodeEntry = decodeEntry
)
