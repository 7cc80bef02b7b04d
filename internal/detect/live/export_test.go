package live

// Kept is how many rows are in memory.
func (e *Engine) Kept() int { return e.rows.order.Len() }
