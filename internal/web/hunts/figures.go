package hunts

import (
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/chart"
	"github.com/rootkeep/rootkeep/internal/report/text"
	"github.com/rootkeep/rootkeep/internal/store/hunts"
)

// levelShares draws alerts by severity.
func levelShares(by [rootkeep.Critical + 1]int64) chart.Shares {
	c := chart.Shares{Title: "Alerts by severity"}
	for s := rootkeep.Critical; ; s-- {
		if by[s] > 0 {
			c.Parts = append(c.Parts, chart.Part{Name: s.String(), Tone: chart.Level(s), N: by[s]})
		}
		if s == 0 {
			return c
		}
	}
}

func outcomeKeys() []chart.Key {
	return []chart.Key{{Name: "succeeded", Tone: outcomeTone(false)}, {Name: "failed", Tone: outcomeTone(true)}}
}

func outcomeTone(failed bool) chart.Tone {
	if failed {
		return chart.Bad
	}
	return chart.Accent
}

func failure(code string) string {
	if code == "" {
		return ""
	}
	return ", failed: " + code
}

// laneOf finds the lane of a name, or begins it.
func laneOf(c *chart.Lanes, place map[string]int, name string) *chart.Lane {
	i, ok := place[name]
	if !ok {
		i = len(c.Lanes)
		place[name] = i
		c.Lanes = append(c.Lanes, chart.Lane{Name: name})
	}
	return &c.Lanes[i]
}

// session draws the events around one event of root: a lane for each way of acting,
// edges from who asked for a session of root to the lane of that session.
func session(list []*hunts.Use) chart.Lanes {
	c := chart.Lanes{Title: "Session of root", Note: "all events of root in the account without a gap of an hour", Keys: outcomeKeys()}
	place := map[string]int{}
	spans := map[string]*chart.Stretch{}
	asked := []*hunts.Use{}
	for _, u := range list {
		name := laneName(u)
		lane := laneOf(&c, place, name)
		lane.Marks = append(lane.Marks, chart.Mark{At: u.Time, Tone: outcomeTone(u.Failed), Words: text.Stamp(u.Time) + " " + u.Name + " from " + u.Address + failure(u.Error)})
		if u.Kind.Used() {
			if spans[name] == nil {
				spans[name] = &chart.Stretch{From: u.Time, Tone: chart.Unknown}
			}
			spans[name].To = u.Time
		}
		if u.Kind == rootkeep.RootAssumed {
			asked = append(asked, u)
		}
	}
	for i := range c.Lanes {
		if s := spans[c.Lanes[i].Name]; s != nil {
			s.Words = text.Period(s.From, s.To)
			c.Lanes[i].Stretches = []chart.Stretch{*s}
		}
	}
	if to, ok := place[assumedLane]; ok {
		for _, u := range asked {
			c.Edges = append(c.Edges, chart.Edge{From: place[laneName(u)], To: to, At: u.Time, Words: u.Principal + " asked for a session of root"})
		}
	}
	return c
}

const assumedLane = "session of AssumeRoot"

// laneName tells the ways of acting apart.
func laneName(u *hunts.Use) string {
	switch u.Kind {
	case rootkeep.RootSignIn, rootkeep.RootCall, rootkeep.RootSignInStep:
		return "root in the console"
	case rootkeep.RootKeyCall:
		return "root's access key " + u.AccessKey
	case rootkeep.AssumedRootCall:
		return assumedLane
	case rootkeep.RootFailedSignIn:
		return "failed sign-ins as root"
	case rootkeep.RootByService:
		return "AWS in root's name"
	}
	return "about root, by " + u.Principal
}

// failures draws failed sign-ins by day.
func failures(days []hunts.SignInDay) chart.Bars {
	c := chart.Bars{Title: "Failed sign-ins to the console", Note: "a bar is a day, UTC", Unit: "sign-in", Keys: []chart.Key{{Name: "of root", Tone: chart.Critical}, {Name: "of others", Tone: chart.Low}}}
	for _, d := range days {
		c.Bars = append(c.Bars, chart.Bar{Label: d.Day.Format(time.DateOnly), Counts: []int64{d.RootFailed, d.Failed}})
	}
	return c
}

// origins draws where sign-ins came from. An address of which no country is known is a
// value of its own.
func origins(list []hunts.Origin) chart.World {
	c := chart.World{Title: "Where sign-ins came from", Note: "tried and successful, by the country of the address", Unit: "sign-in"}
	for _, o := range list {
		c.Countries = append(c.Countries, chart.CountryCount{Code: o.Country, N: o.N})
	}
	return c
}

// coverage draws which hours of which day are proven, in how many of the accounts.
func coverage(days []time.Time, proven [][24]int, accounts int) chart.Grid {
	c := chart.Grid{
		Title: "Proven hours", Note: "of which the log is complete and was read to the end, UTC", Axis: []string{"00", "06", "12", "18", "24"},
		Keys: []chart.Key{{Name: "proven", Tone: chart.Good}, {Name: "proven in some accounts", Tone: chart.Low}, {Name: "not proven", Tone: chart.Unknown}},
	}
	for hour := range 24 {
		c.Columns = append(c.Columns, fmt.Sprintf("%02d", hour))
	}
	for i := len(days) - 1; i >= 0; i-- {
		c.Rows = append(c.Rows, days[i].Format(time.DateOnly))
		row := make([]chart.Cell, 24)
		for hour, n := range proven[i] {
			switch {
			case n == 0:
				row[hour] = chart.Cell{Tone: chart.Unknown, Words: "not proven"}
			case n >= accounts:
				row[hour] = chart.Cell{Tone: chart.Good, Words: "proven"}
			default:
				row[hour] = chart.Cell{Tone: chart.Low, Words: fmt.Sprintf("proven in %d of %d accounts", n, accounts)}
			}
		}
		c.Cells = append(c.Cells, row)
	}
	return c
}
