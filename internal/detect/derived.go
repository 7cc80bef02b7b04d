package detect

import (
	"strconv"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/detect/field"
	"github.com/rootkeep/rootkeep/internal/detect/origin"
	"github.com/rootkeep/rootkeep/internal/detect/span"
)

// derive computes the fields that no record carries.
func (w *Worker) derive(v *rootkeep.View, number int) rootkeep.Value {
	if number == w.derivedField(dPrincipal) {
		return rootkeep.Value{Kind: rootkeep.String, Text: w.principalOf(v)}
	}
	var text string
	switch number - len(w.hunt.pack.Set.Fields()) {
	case dCountry:
		o := w.origin(v)
		if text = o.Place.Country; o.Relay != "" {
			text = relayPlace
		}
	case dASN:
		if o := w.origin(v); o.Place.ASN != 0 && o.Relay == "" {
			text = strconv.FormatUint(uint64(o.Place.ASN), 10)
		}
	case dNetwork:
		o := w.origin(v)
		if text = o.Key(); o.Relay != "" {
			text = relayPlace
		}
	case dAddress:
		if o := w.origin(v); o.Relay == "" && o.Addr.IsValid() {
			text = o.Addr.String()
		}
	case dRelay:
		text = w.origin(v).Relay
	case dOutcome:
		text = field.Outcome(v)
	case dTargetAccount:
		text = string(field.TargetAccount(v))
	}
	if text == "" {
		return rootkeep.Value{}
	}
	return rootkeep.Value{Kind: rootkeep.String, Text: []byte(text)}
}

// principalOf remembers the answer for records with the same userIdentity.
func (w *Worker) principalOf(v *rootkeep.View) []byte {
	if id := w.record.Identity; id == 0 || id != w.identity {
		w.identity, w.principal, w.actor = id, field.AppendPrincipal(w.principal[:0], v), nil
	}
	return w.principal
}

// actorOf likewise.
func (w *Worker) actorOf(v *rootkeep.View) span.Actor {
	principal := w.principalOf(v)
	if w.actor == nil {
		kind, account, arn, key, session := field.Caller(v)
		number := w.names.Number
		w.actor = &span.Actor{
			Type: number(kind), Account: number(account), ARN: number(arn),
			Principal: number(principal), AccessKeyID: number(key), Session: number(session),
		}
	}
	return *w.actor
}

// relayPlace stands for every address on a relay list, as a country and as a network:
// such an address says nothing of either, and neither may enter a baseline by it. But
// that one came by a relay who never did is worth telling.
const relayPlace = "(relay)"

func (w *Worker) derivedField(n int) int { return len(w.hunt.pack.Set.Fields()) + n }

// origin judges the source address, remembering the answers.
func (w *Worker) origin(v *rootkeep.View) origin.Origin {
	atlas := w.hunt.options.Atlas
	address := v.Text(field.Address)
	if !atlas.Steady() {
		return atlas.Of(string(address), string(v.Text(field.Agent)), w.time)
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
