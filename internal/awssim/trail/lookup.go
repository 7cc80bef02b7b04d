package trail

import (
	"slices"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

// kept is how long LookupEvents finds an event.
const kept = 90 * 24 * time.Hour

type attribute struct{ AttributeKey, AttributeValue string }

type lookupIn struct {
	LookupAttributes   []attribute
	StartTime, EndTime time.Time
	EventCategory      string
	MaxResults         int
	NextToken          string
}

type resourceShape struct{ ResourceType, ResourceName string }

type eventShape struct {
	EventId, EventName, ReadOnly, AccessKeyId, EventSource, Username string
	EventTime                                                        time.Time
	Resources                                                        []resourceShape
	CloudTrailEvent                                                  string
}

type lookupOut struct {
	Events    []eventShape
	NextToken string
}

// maxEvents is how many events one page has at most.
const maxEvents = 50

// lookupEvents gives management events of 90 days, newest first. A token names the
// event where the next page begins by its number, so that events that come meanwhile,
// this call's own among them, shift nothing.
func lookupEvents(c *cloud.Call, in lookupIn) (out lookupOut, err error) {
	from, err := c.Offset(in.NextToken)
	switch {
	case err != nil:
		return out, err
	case in.MaxResults < 0 || in.MaxResults > maxEvents:
		return out, cloud.Fail("InvalidMaxResultsException", 400, "MaxResults must be 1 to %d", maxEvents)
	case len(in.LookupAttributes) > 1:
		return out, cloud.Fail("InvalidLookupAttributesException", 400, "Only one lookup attribute can be specified.")
	case !in.StartTime.IsZero() && !in.EndTime.IsZero() && in.StartTime.After(in.EndTime):
		return out, cloud.Fail("InvalidTimeRangeException", 400, "StartTime is after EndTime.")
	case in.EventCategory != "" && in.EventCategory != "insight":
		return out, cloud.Fail("InvalidEventCategoryException", 400, "EventCategory must be insight")
	}
	for _, a := range in.LookupAttributes {
		if _, err := value(a.AttributeKey, &cloud.Event{}); err != nil {
			return out, err
		}
	}
	size := in.MaxResults
	if size == 0 {
		size = maxEvents
	}
	if in.EventCategory == "insight" {
		return out, nil // the simulator makes no Insights events
	}
	for _, e := range slices.Backward(c.Account.Events(c.Region)) {
		if from > 0 && e.Number > from || !in.wants(c, e) {
			continue
		}
		if len(out.Events) == size {
			out.NextToken = c.NewToken(e.Number)
			break
		}
		out.Events = append(out.Events, show(e))
		if len(out.Events) < size && c.Account.EventFault(cloud.Twice, c.Region) != nil {
			out.Events = append(out.Events, show(e))
		}
	}
	return out, nil
}

func (in *lookupIn) wants(c *cloud.Call, e *cloud.Event) bool {
	switch {
	case e.Data, c.Now.Sub(e.Time) > kept, c.Now.Sub(e.Time) < c.Account.Held(c.Region), !in.StartTime.IsZero() && e.Time.Before(in.StartTime), !in.EndTime.IsZero() && e.Time.After(in.EndTime):
		return false
	}
	for _, a := range in.LookupAttributes {
		values, _ := value(a.AttributeKey, e)
		if !slices.Contains(values, a.AttributeValue) {
			return false
		}
	}
	return true
}

// value is what an event has under a lookup attribute.
func value(key string, e *cloud.Event) ([]string, error) {
	switch key {
	case "EventId":
		return []string{e.ID}, nil
	case "EventName":
		return []string{e.Name}, nil
	case "EventSource":
		return []string{e.Source}, nil
	case "Username":
		return []string{e.Username}, nil
	case "AccessKeyId":
		return []string{e.AccessKey}, nil
	case "ReadOnly":
		return []string{readOnly(e)}, nil
	case "ResourceName", "ResourceType":
		var out []string
		for _, r := range e.Resources {
			if key == "ResourceName" {
				out = append(out, r.Name)
			} else {
				out = append(out, r.Type)
			}
		}
		return out, nil
	}
	return nil, cloud.Fail("InvalidLookupAttributesException", 400, "%s is no lookup attribute", key)
}

func readOnly(e *cloud.Event) string {
	if e.Read {
		return "true"
	}
	return "false"
}

func show(e *cloud.Event) eventShape {
	out := eventShape{
		EventId: e.ID, EventName: e.Name, ReadOnly: readOnly(e), AccessKeyId: e.AccessKey, EventSource: e.Source, Username: e.Username, EventTime: e.Time,
		CloudTrailEvent: string(e.JSON),
	}
	for _, r := range e.Resources {
		out.Resources = append(out.Resources, resourceShape{r.Type, r.Name})
	}
	return out
}
