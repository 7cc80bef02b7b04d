package livestate

// DueQuery is what Due asks.
const DueQuery = dueQuery
