package detect

// SetRoom sets how many bytes the groups of alerts may take.
func (h *Hunt) SetRoom(bytes int64) { h.room.Store(bytes) }
