package watch

import (
	"slices"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

// maxHistory bounds the history that is kept of a Region.
const maxHistory = 1000

func (s *alarms) note(c *cloud.Call, name, kind, what, summary string) {
	s.keep(historyItem{name, kind, what, summary, "{}", c.Now})
}

func (s *alarms) keep(item historyItem) {
	s.history = append(s.history, item)
	if over := len(s.history) - maxHistory; over > 0 {
		s.history = slices.Clone(s.history[over:])
	}
}

type historyIn struct {
	AlarmName, HistoryItemType, ScanBy string
	AlarmTypes                         []string
	StartDate, EndDate                 time.Time
	MaxRecords                         int
	NextToken                          string
}

// On is the alarm's ARN, or all.
func (in *historyIn) On(c *cloud.Call) cloud.Resource {
	if in.AlarmName == "" {
		return onNames(c, nil)[0]
	}
	return onNames(c, []string{in.AlarmName})[0]
}

type historyOut struct {
	AlarmHistoryItems []historyItem
	NextToken         string
}

func describeHistory(c *cloud.Call, in historyIn) (out historyOut, err error) {
	var all []historyItem
	for _, h := range state(c).history {
		if (in.AlarmName == "" || in.AlarmName == h.AlarmName) && (in.HistoryItemType == "" || in.HistoryItemType == h.HistoryItemType) &&
			(len(in.AlarmTypes) == 0 || slices.Contains(in.AlarmTypes, h.AlarmType)) &&
			(in.StartDate.IsZero() || !h.Timestamp.Before(in.StartDate)) && (in.EndDate.IsZero() || !h.Timestamp.After(in.EndDate)) {
			all = append(all, h)
		}
	}
	if in.ScanBy != "TimestampAscending" {
		slices.Reverse(all)
	}
	out.AlarmHistoryItems, out.NextToken, err = cloud.Page(c, all, in.NextToken, in.MaxRecords, 100, 100)
	return out, err
}
