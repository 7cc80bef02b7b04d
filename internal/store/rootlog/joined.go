package rootlog

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/process"
)

// mostPlaces bounds the accounts and Regions of a source over all processes.
const mostPlaces = 10_000

// joined is how a source stands by what several processes say of it. One that fell silent long
// before the newest word does not count.
func joined(parts []Health) Health {
	newest := slices.MaxFunc(parts, func(a, b Health) int { return a.Noted.Compare(b.Noted) }).Noted
	var live []Health
	for _, h := range parts {
		if h.Processes[0].Name != "" && newest.Sub(h.Noted) < ProcessGone {
			live = append(live, h)
		}
	}
	if len(live) == 0 { // nobody's
		return parts[0]
	}
	out := live[0]
	for i := range live[1:] {
		out.join(&live[i+1])
	}
	if len(live) > 1 {
		out.Fault, out.Places = faultOf(live), placesOf(live)
	}
	return out
}

// join takes in what another process says, but for its fault and places.
func (h *Health) join(o *Health) {
	if o.SkippedAt.After(h.SkippedAt) {
		h.SkippedAt, h.Latest = o.SkippedAt, o.Latest
	}
	h.Shared = h.Shared || o.Shared
	h.Began, h.Complete = earlier(h.Began, o.Began), earlier(h.Complete, o.Complete)
	h.Heard, h.Last, h.Noted = later(h.Heard, o.Heard), later(h.Last, o.Last), later(h.Noted, o.Noted)
	if h.Behind.IsZero() || !o.Behind.IsZero() && o.Behind.Before(h.Behind) {
		h.Behind = o.Behind
	}
	h.Every, h.Quiet = max(h.Every, o.Every), max(h.Quiet, o.Quiet)
	h.Delay, h.Gap, h.Busy = max(h.Delay, o.Delay), cmp.Or(h.Gap, o.Gap), cmp.Or(h.Busy, o.Busy)
	h.Skipped, h.Parcels = h.Skipped+o.Skipped, h.Parcels+o.Parcels
	h.Processes = append(h.Processes, o.Processes...)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// faultOf has the fault of each process with its name; what two of them say alike is there
// once.
func faultOf(parts []Health) string {
	var texts []string
	said := map[string][]string{}
	for _, h := range parts {
		if h.Fault == "" {
			continue
		}
		if said[h.Fault] == nil {
			texts = append(texts, h.Fault)
		}
		said[h.Fault] = append(said[h.Fault], process.Short(h.Processes[0].Name))
	}
	for i, text := range texts {
		texts[i] = strings.Join(said[text], ", ") + ": " + text
	}
	return strings.Join(texts, "; ")
}

// placesOf are the places of all processes: of one that several were at, the newest event.
func placesOf(parts []Health) []Place {
	type key struct {
		account rootkeep.AccountID
		region  string
	}
	at := map[key]Place{}
	for _, h := range parts {
		for _, p := range h.Places {
			k := key{p.Account, p.Region}
			if old, known := at[k]; !known && len(at) < mostPlaces || known && p.Last.After(old.Last) {
				at[k] = p
			}
		}
	}
	var out []Place
	for _, p := range at {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b Place) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region))
	})
	return out
}
