// Package client speaks to a rootkeep server: the values that server and client share,
// and a client that sends its token, tries again where that is safe, and gives the
// server's errors as values.
package client

import "time"

// Page is one page of a list.
type Page[T any] struct {
	Items []T `json:"items"`
	// Next is the cursor of the next page, empty on the last.
	Next string `json:"next,omitempty"`
}

// Notice is an event of the stream /api/v1/events: something changed.
type Notice struct {
	Topic string    `json:"topic"`
	Ref   string    `json:"ref"` // ID of what changed
	At    time.Time `json:"at"`
}
