package events

import (
	"encoding/json"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/posture/eventpattern"
	"github.com/rootkeep/rootkeep/internal/posture/filterpattern"
)

type entry struct {
	Time                                                  time.Time
	Source, DetailType, Detail, EventBusName, TraceHeader string
	Resources                                             []string
}

type putEventsIn struct {
	Entries []entry `aws:",must"`
}

// On is the bus of the first entry: the simulator authorizes a call once.
func (in *putEventsIn) On(c *cloud.Call) cloud.Resource {
	if len(in.Entries) == 0 {
		return busResource(c, "")
	}
	return busResource(c, in.Entries[0].EventBusName)
}

type entryOut struct{ EventId, ErrorCode, ErrorMessage string }

type putEventsOut struct {
	FailedEntryCount int
	Entries          []entryOut
}

// maxEntries is how many events one call may put.
const maxEntries = 10

// putEvents takes custom events. Each entry stands for itself: one that is not valid
// fails alone.
func putEvents(c *cloud.Call, in putEventsIn) (out putEventsOut, err error) {
	if len(in.Entries) > maxEntries {
		return out, c.Invalid("1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length less than or equal to %d", maxEntries)
	}
	for _, e := range in.Entries {
		result := entryOut{EventId: c.Cloud.Hex(8) + "-" + c.Cloud.Hex(4) + "-" + c.Cloud.Hex(4) + "-" + c.Cloud.Hex(4) + "-" + c.Cloud.Hex(12)}
		var detail map[string]any
		switch {
		case e.Source == "" || e.DetailType == "" || e.Detail == "":
			result = entryOut{ErrorCode: "InvalidArgument", ErrorMessage: "Parameter Source, DetailType or Detail is not valid. Reason: it is a required argument."}
		case json.Unmarshal([]byte(e.Detail), &detail) != nil:
			result = entryOut{ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed."}
		case len(e.Source) >= 4 && e.Source[:4] == "aws.":
			result = entryOut{ErrorCode: "NotAuthorizedForSourceException", ErrorMessage: "Not authorized for the source."}
		}
		if result.ErrorCode != "" {
			out.FailedEntryCount++
		}
		out.Entries = append(out.Entries, result)
	}
	return out, nil
}

// invalid is the error of a pattern that is none.
func invalid(pattern string) error {
	if _, err := eventpattern.Parse(pattern); err != nil {
		return cloud.Fail("InvalidEventPatternException", 400, "Event pattern is not valid. Reason: %v", err)
	}
	return nil
}

type testIn struct {
	Event        string `aws:",must"`
	EventPattern string `aws:",must"`
}

type testOut struct{ Result bool }

// testPattern wants the members that every event has.
func testPattern(c *cloud.Call, in testIn) (out testOut, err error) {
	pattern, err := eventpattern.Parse(in.EventPattern)
	if err != nil {
		return out, invalid(in.EventPattern)
	}
	event, err := eventpattern.Decode([]byte(in.Event))
	members, ok := event.(map[string]any)
	if err != nil || !ok {
		return out, c.Invalid("Parameter Event is not valid. Reason: not a JSON object")
	}
	for _, name := range []string{"id", "account", "source", "time", "region", "resources", "detail-type"} {
		if _, ok := members[name]; !ok {
			return out, c.Invalid("Parameter %s is not valid. Reason: it is missing from the event", name)
		}
	}
	return testOut{pattern.Match(event) == filterpattern.True}, nil
}
