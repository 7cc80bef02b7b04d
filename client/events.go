package client

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
)

// Event is one event of the stream /api/v1/events.
type Event struct {
	ID     string // give it to Events to go on after it
	Kind   string // ready, notice or reset: see the operation
	Notice Notice // of a notice
}

const mostLine = 64 << 10 // bytes of a stream's line

// Events reads the stream of what changes, after the event with the ID last, or from now
// on if that is empty. The stream ends after minutes: open it again with the ID of the
// last event. An error is the last thing it gives.
func (c *Client) Events(ctx context.Context, last string) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		call := Call{Method: http.MethodGet, Path: "/events"}
		r, err := c.request(ctx, call, nil)
		if err != nil {
			yield(Event{}, err)
			return
		}
		r.Header.Set("Accept", "text/event-stream")
		if last != "" {
			r.Header.Set("Last-Event-ID", last)
		}
		response, err := c.http.Do(r)
		if err != nil {
			yield(Event{}, fmt.Errorf("GET %s/events: %w", c.base, unwrapURL(err)))
			return
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			text, _ := io.ReadAll(io.LimitReader(response.Body, mostLine)) // what is missing of an error is not worse than the error
			yield(Event{}, c.refused(call, response, text))
			return
		}
		if err := readEvents(response.Body, yield); err != nil && ctx.Err() == nil {
			yield(Event{}, fmt.Errorf("GET %s/events: %w", c.base, err))
		}
	}
}

// readEvents reads server-sent events (WHATWG HTML, section 9.2.6) as far as the server
// writes them: one line of data each. It ends without an error when yield wants no more.
func readEvents(body io.Reader, yield func(Event, error) bool) error {
	lines := bufio.NewScanner(body)
	lines.Buffer(make([]byte, 0, 4096), mostLine)
	var e Event
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case lines.Text() == "":
			if e.Kind != "" && !yield(e, nil) {
				return nil
			}
			e = Event{}
		case name == "id":
			e.ID = value
		case name == "event":
			e.Kind = value
		case name == "data":
			if err := json.Unmarshal([]byte(value), &e.Notice); err != nil {
				return fmt.Errorf("an event is not what was expected: %w", err)
			}
		}
	}
	return lines.Err()
}
