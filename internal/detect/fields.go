package detect

// The derived fields, computed from scanned ones when a rule or a window asks.
// Rules name them with the prefix rootkeep.
const (
	dPrincipal = iota // the role, user or root behind the call, never a session
	dCountry          // ISO 3166-1 alpha-2, "(relay)" for an address on a relay list
	dASN
	dNetwork // AS number when known, else the /24 or /48 of the address
	dAddress // a real IP address that is on no relay list
	dRelay   // name of the relay list that holds the address
	dOutcome // success, failure, denied
	dTargetAccount
	derivedFields
)

var derivedNames = [derivedFields]string{
	dPrincipal:     "rootkeep.principal",
	dCountry:       "rootkeep.country",
	dASN:           "rootkeep.asn",
	dNetwork:       "rootkeep.network",
	dAddress:       "rootkeep.address",
	dRelay:         "rootkeep.relay",
	dOutcome:       "rootkeep.outcome",
	dTargetAccount: "rootkeep.target_account",
}
