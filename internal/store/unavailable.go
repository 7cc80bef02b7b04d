package store

// Unavailable says whether an error means that the database does not answer now, and may
// soon. For a change it does not say that nothing was changed.
func Unavailable(err error) bool {
	kind := classify(err)
	return kind == faultBusy || kind == faultLost
}
