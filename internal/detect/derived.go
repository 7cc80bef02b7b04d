package detect

import (
	"strconv"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/detect/origin"
)

// derive computes the fields that no record carries.
func (w *Worker) derive(v *rootkeep.View, field int) rootkeep.Value {
	if field == w.derivedField(dPrincipal) {
		return rootkeep.Value{Kind: rootkeep.String, Text: w.principalOf(v)}
	}
	var text string
	switch field - len(w.hunt.pack.Set.Fields()) {
	case dCountry:
		o := w.origin(v)
		if text = o.Place.Country; o.Relay != "" {
			text = relayCountry
		}
	case dASN:
		if o := w.origin(v); o.Place.ASN != 0 && o.Relay == "" {
			text = strconv.FormatUint(uint64(o.Place.ASN), 10)
		}
	case dNetwork:
		if o := w.origin(v); o.Relay == "" {
			text = o.Key()
		}
	case dAddress:
		if o := w.origin(v); o.Relay == "" && o.Addr.IsValid() {
			text = o.Addr.String()
		}
	case dRelay:
		text = w.origin(v).Relay
	case dOutcome:
		text = outcome(v)
	case dTargetAccount:
		text = string(targetAccount(v))
	}
	if text == "" {
		return rootkeep.Value{}
	}
	return rootkeep.Value{Kind: rootkeep.String, Text: []byte(text)}
}

// principalOf remembers the answer for records with the same userIdentity.
func (w *Worker) principalOf(v *rootkeep.View) []byte {
	if id := w.record.Identity; id == 0 || id != w.identity {
		w.identity, w.principal, w.actor = id, appendPrincipal(w.principal[:0], v), nil
	}
	return w.principal
}

// actorOf likewise.
func (w *Worker) actorOf(v *rootkeep.View) rootkeep.Actor {
	name := w.principalOf(v)
	if w.actor == nil {
		a := actorOf(v, w.text(name))
		w.actor = &a
	}
	return *w.actor
}

// relayCountry stands for every address on a relay list: such an address says
// nothing of a country, and no country may enter a baseline by it.
const relayCountry = "(relay)"

func (w *Worker) derivedField(n int) int { return len(w.hunt.pack.Set.Fields()) + n }

// origin judges the source address, remembering the answers.
func (w *Worker) origin(v *rootkeep.View) origin.Origin {
	atlas := w.hunt.options.Atlas
	address := v.Text(fAddress)
	if !atlas.Steady() {
		return atlas.Of(string(address), string(v.Text(fAgent)), w.time)
	}
	const longest = 64 // bytes; what is longer is no address
	if o, ok := w.origins[string(address)]; ok {
		return o
	}
	o := atlas.Of(string(address), "", w.time)
	if len(w.origins) < maxOrigins && len(address) <= longest {
		w.origins[string(address)] = o
	}
	return o
}
