package sources

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/process"
	"github.com/rootkeep/rootkeep/internal/report/text"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/page"
)

// view is the page of live sources.
type view struct {
	*standing
	filter
	now time.Time
}

const (
	mostRows = 200 // of places on the page
	longest  = 64  // bytes of a value of the filter
)

func (a *area) page(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	f := filter{q.Get("source"), q.Get("account"), q.Get("region")}
	if len(f.Source) > longest || len(f.Region) > longest {
		return web.Refuse(http.StatusUnprocessableEntity, "invalid", "a value of the filter is longer than 64 bytes")
	}
	if f.Account != "" {
		if _, err := rootkeep.ParseAccountID(f.Account); err != nil {
			return web.Refuse(http.StatusUnprocessableEntity, "invalid", err.Error())
		}
	}
	s, err := a.read(r.Context(), web.ActorOf(r.Context()), f)
	if err != nil {
		return err
	}
	return web.Show(w, r, "Sources", body(view{s, f, a.Now()}))
}

func tone(state string) page.Tone {
	switch state {
	case Reading:
		return page.Good
	case Faulty, Behind, Silent, Unread:
		return page.Bad
	case Waiting:
		return page.Unsure
	}
	return page.Plain
}

func word(state string) string {
	switch state {
	case Reading:
		return "reads"
	case Faulty:
		return "something is wrong"
	case Behind:
		return "is left behind"
	case Silent:
		return "is silent"
	case Unread:
		return "nobody reads it"
	case Waiting:
		return "no answer yet"
	}
	return "not configured any more"
}

var (
	columns      = []page.Column{{Title: "Source"}, {Title: "State"}, {Title: "Heard"}, {Title: "Delivered"}, {Title: "Complete up to"}, {Title: "Late at most"}, {Title: "Skipped", Number: true}, {Title: "Read by"}}
	placeColumns = []page.Column{{Title: "Account"}, {Title: "Region"}, {Title: "Lag"}, {Title: "Latest"}, {Title: "Arrived"}, {Title: "Source"}}
	asideColumns = []page.Column{{Title: "Message"}, {Title: "Since"}, {Title: "Partition", Number: true}, {Title: "Why"}}
	partColumns  = []page.Column{{Title: "Partition"}, {Title: "Messages", Number: true}}
)

func (v *view) rows() []page.Row {
	var out []page.Row
	for i := range v.Sources {
		s := &v.Sources[i]
		late := "not known"
		if s.Delay > 0 {
			late = span(s.Delay)
		}
		row := page.Cells(page.Text(s.Name), page.Badge(tone(s.State), word(s.State)), page.Time(s.Heard), page.Time(s.Last), page.Time(s.Complete), page.Text(late),
			page.Text(text.Grouped(s.Skipped)), v.reader(s))
		row.Tone = tone(s.State)
		out = append(out, row)
	}
	return out
}

// reader is who has the source.
func (v *view) reader(s *client.LiveSource) templ.Component {
	switch {
	case len(s.Readers) > 0:
		names := make([]string, len(s.Readers))
		for i, name := range s.Readers {
			names[i] = process.Short(name)
		}
		return page.Text(strings.Join(names, ", "))
	case s.Owner == "":
		return page.Text("")
	case s.Until.After(v.now):
		return page.Text(process.Short(s.Owner))
	}
	return page.Text("nobody; last " + process.Short(s.Owner))
}

func (v *view) placeRows() []page.Row {
	var out []page.Row
	for i := range v.Places[:min(len(v.Places), mostRows)] {
		p := &v.Places[i]
		out = append(out, page.Cells(page.Word(p.Account), page.Text(p.Region), page.Text(span(p.Lag)), page.Time(p.Last), page.Time(p.Arrived), page.Text(p.Source)))
	}
	return out
}

// span is a number of seconds in words. A clock that runs ahead makes it less than nothing.
func span(seconds float64) string {
	if seconds < 1 {
		return "under a second"
	}
	return text.Span(time.Duration(seconds * float64(time.Second)))
}

func (v *view) inputs() []page.Input {
	sources := []page.Option{{Text: "all sources"}}
	for i := range v.Sources {
		sources = append(sources, page.Option{Value: v.Sources[i].Name, Text: v.Sources[i].Name})
	}
	return []page.Input{
		{Name: "source", Label: "Source", Kind: "select", Value: v.Source, Options: sources},
		{Name: "account", Label: "Account", Kind: "text", Value: v.Account, Most: 12},
		{Name: "region", Label: "Region", Kind: "text", Value: v.Region, Most: longest},
	}
}

// troubles are sources with something that somebody has to read.
func (v *view) troubles() []client.LiveSource {
	var out []client.LiveSource
	for _, s := range v.Sources {
		if s.Fault != "" || s.Busy != "" || s.Latest != "" || s.Gap != "" || s.Reason != "" || s.State == Behind {
			out = append(out, s)
		}
	}
	return out
}

// goesOn says what it means that a source is left behind.
const goesOn = "wait for it no more: what it brings of the time before alerts by itself, and is in no window. No silence is told meanwhile: what it would have brought is not known."

func facts(s *client.LiveSource) []page.Fact {
	var out []page.Fact
	if !s.Ended.IsZero() {
		out = append(out, page.Fact{Term: "Ended", Value: page.Time(s.Ended)})
	}
	if s.State == Behind {
		out = append(out, page.Fact{Term: "Behind since", Value: page.Time(s.Behind)}, page.Fact{Term: "Detections", Value: page.LongText(goesOn)})
	}
	for _, f := range []struct{ term, value string }{{"Why it is gone", s.Reason}, {"Wrong", s.Fault}, {"Takes long", s.Busy}, {"Cannot be seen by it", s.Gap}, {"Skipped last", s.Latest}} {
		if f.value != "" {
			out = append(out, page.Fact{Term: f.term, Value: page.LongText(f.value)})
		}
	}
	return out
}

func asideRows(list []client.FlowAside) []page.Row {
	var out []page.Row
	for _, a := range list {
		out = append(out, page.Cells(page.Text(fmt.Sprint(a.Number)), page.Time(a.Since), page.Text(fmt.Sprint(a.Partition)), page.LongText(a.Reason)))
	}
	return out
}

func partRows(list []client.FlowPart) []page.Row {
	var out []page.Row
	for _, p := range list {
		out = append(out, page.Cells(page.Text(fmt.Sprint(p.Partition)), page.Text(fmt.Sprint(p.Messages))))
	}
	return out
}
