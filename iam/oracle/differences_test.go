package oracle

import (
	"slices"
	"strings"
)

// difference is a point on which the two evaluators disagree by design; its id is a
// row of docs/iam-differences.md. Rewrite turns a case that has the point into one
// that lacks it and has the same answer by the page that the row names; it says
// whether the case has the point. A difference between the evaluators is excused
// only if ours answers both cases alike and the other answers the second as ours
// does: whatever else is in the case is then the same for both.
type difference struct {
	id      string
	rewrite func(object) bool
	// local says that the rewritten case may have another answer: it is a fair
	// question only where the evaluators differ.
	local bool
}

func differences() []difference {
	return []difference{
		{id: "root-user", rewrite: rootUser},
		{id: "root-bucket-policy", rewrite: rootBucketPolicy},
		{id: "caller-identity-endpoint", rewrite: callerIdentity},
		{id: "trust-policy-needed", rewrite: missingTrust},
		{id: "notprincipal-chain", rewrite: notPrincipal},
		{id: "variable-version", rewrite: oldVersion},
		{id: "variable-unresolved-deny", rewrite: func(c object) bool { return unresolved(c, true) }},
		{id: "variable-unresolved-negated", rewrite: func(c object) bool { return unresolved(c, false) }},
		{id: "variable-special-characters", rewrite: specialCharacters},
		{id: "foranyvalue-ifexists", rewrite: forAnyValueIfExists},
		{id: "set-operator-null", rewrite: setOperatorNull},
		{id: "date-epoch", rewrite: dateEpoch},
		{id: "address-families", rewrite: addressFamilies},
		{id: "address-everything", rewrite: addressEverything},
		{id: "address-form", rewrite: addressForm},
		{id: "several-values", rewrite: severalValues},
		{id: "one-value", rewrite: oneValue},
		{id: "number-form", rewrite: numberForm},
		{id: "variable-default-blank", rewrite: defaultBlank},
		{id: "encryption-context", rewrite: encryptionContext},
		{id: "session-named", rewrite: sessionNamed, local: true},
	}
}

const everything = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`

func policies(text string) []any { return []any{object{"name": "written", "policy": clone(text)}} }

// rootUser: a root user needs no identity policy and has no boundary; it cannot
// assume a role at all.
func rootUser(c object) bool {
	if !isRoot(c) {
		return false
	}
	list, _ := c["identity"].([]any)
	c["identity"] = append(list, policies(everything)...)
	delete(c, "boundary")
	if request(c, "action") == "sts:AssumeRole" {
		for _, p := range statements(c) {
			if !p.denies() {
				p.silence()
			}
		}
	}
	return true
}

// rootBucketPolicy: no Deny of a bucket's policy keeps the root user of its account
// from reading, replacing or deleting that policy.
func rootBucketPolicy(c object) bool {
	account := strings.TrimSuffix(strings.TrimPrefix(request(c, "principal"), "arn:aws:iam::"), ":root")
	if !isRoot(c) || request(c, "action") != "s3:DeleteBucketPolicy" || account != request(c, "resourceAccount") {
		return false
	}
	changed := false
	for _, p := range statements(c) {
		if p.layer == "resource" && p.denies() {
			p.silence()
			changed = true
		}
	}
	return changed
}

// callerIdentity: only the endpoint has a say about sts:GetCallerIdentity. The
// question becomes one about another action of STS that everything else allows.
func callerIdentity(c object) bool {
	const action, twin = "sts:GetCallerIdentity", "sts:GetSessionToken"
	if request(c, "action") != action || c["endpoint"] == nil {
		return false
	}
	c["request"].(object)["action"] = twin
	for _, layer := range []string{"boundary", "session", "resource", "scps", "rcps"} {
		delete(c, layer)
	}
	c["identity"] = policies(everything)
	for _, p := range statements(c) {
		if p.layer != "endpoint" {
			continue
		}
		for _, element := range []string{"Action", "NotAction"} {
			if p.statement[element] == nil {
				continue
			}
			p.statement[element] = pickAction(texts(p.statement[element]), action, twin)
		}
	}
	return true
}

// pickAction is twin if one of the patterns covers action, and another action if
// none does.
func pickAction(patterns []string, action, twin string) string {
	for _, pattern := range patterns {
		if glob(strings.ToLower(pattern), strings.ToLower(action)) {
			return twin
		}
	}
	return "sqs:PurgeQueue"
}

// glob is * and ?, by the book.
func glob(pattern, text string) bool {
	switch {
	case pattern == "":
		return text == ""
	case pattern[0] == '*':
		return glob(pattern[1:], text) || text != "" && glob(pattern, text[1:])
	}
	return text != "" && (pattern[0] == '?' || pattern[0] == text[0]) && glob(pattern[1:], text[1:])
}

// missingTrust: a role whose trust policy is not given trusts nobody.
func missingTrust(c object) bool {
	if request(c, "action") != "sts:AssumeRole" || c["resource"] != nil {
		return false
	}
	c["resource"] = clone(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"nobody.amazonaws.com"},"Action":"sts:AssumeRole"}}`)
	return true
}

// notPrincipal: a Deny spares a caller only if its whole chain is listed, and spares
// none that has a permissions boundary.
func notPrincipal(c object) bool {
	changed := false
	for _, p := range statements(c) {
		if p.statement["NotPrincipal"] == nil || !p.denies() {
			continue
		}
		changed = true
		if spared(c, texts(p.statement["NotPrincipal"].(object)["AWS"])) {
			p.silence()
			continue
		}
		delete(p.statement, "NotPrincipal")
		p.statement["Principal"] = "*"
	}
	return changed
}

func spared(c object, listed []string) bool {
	caller := request(c, "principal")
	if !signed(c) || c["boundary"] != nil && !isRoot(c) {
		return false
	}
	has := func(names ...string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return slices.Contains(listed, n) })
	}
	parts := strings.Split(caller, ":")
	account := has(parts[4], "arn:aws:iam::"+parts[4]+":root")
	switch {
	case isRoot(c):
		return account
	case strings.Contains(caller, ":assumed-role/"):
		return account && has(caller) && has(roleOf(c, caller)...)
	}
	return account && has(caller)
}

// roleOf are the ARNs that may be the role of a session: aws:PrincipalArn tells if it
// is about that role, otherwise any path may be right.
func roleOf(c object, session string) []string {
	parts := strings.Split(session, ":")
	name := strings.Split(parts[5], "/")[1]
	prefix := "arn:aws:iam::" + parts[4] + ":role/"
	if arns := contextValues(c, "aws:PrincipalArn"); len(arns) == 1 && strings.HasPrefix(arns[0], prefix) && strings.HasSuffix("/"+arns[0], "/"+name) {
		return arns
	}
	return []string{prefix + name, prefix + "ops/" + name}
}

// oldVersion: before 2012-10-17 a variable is plain text, and no name has a dollar
// sign.
func oldVersion(c object) bool {
	changed := false
	for _, p := range statements(c) {
		if p.policy["Version"] == "2012-10-17" {
			continue
		}
		changed = p.replace(true, func(string) bool { return true }, func(s string) string { return strings.ReplaceAll(s, "${", "$-{") }) || changed
	}
	return changed
}

// unresolved: a variable that has no value is like no text. A Resource with one
// matches nothing; so does, in an Allow, a whole NotResource.
func unresolved(c object, denies bool) bool {
	changed := false
	for _, p := range statements(c) {
		if p.policy["Version"] != "2012-10-17" || p.denies() != denies {
			continue
		}
		before := strings.Join(texts(p.statement["NotResource"]), " ")
		if before != resolve(c, before) && !denies {
			p.silence()
			changed = true
			continue
		}
		withVariables := func(operator string) bool {
			return strings.Contains(operator, "String") || strings.Contains(operator, "Arn") || strings.Contains(operator, "Bool")
		}
		changed = p.replace(true, withVariables, func(s string) string { return resolve(c, s) }) || changed
	}
	return changed
}

// resolve puts a text that nothing is like in the place of variables without a value.
func resolve(c object, s string) string {
	before, rest, found := strings.Cut(s, "${")
	variable, after, closed := strings.Cut(rest, "}")
	if !found || !closed {
		return s
	}
	if key, _, hasDefault := strings.Cut(variable, ","); hasDefault || len(key) == 1 || len(contextValues(c, key)) == 1 {
		return before + "${" + variable + "}" + resolve(c, after)
	}
	return before + "-unresolved-" + resolve(c, after)
}

// specialCharacters: ${*}, ${?} and ${$} are the characters themselves. In cases they
// are compared with the tag "odd" alone, whose values are such characters and words.
func specialCharacters(c object) bool {
	words := map[string]string{"*": "star", "?": "question", "$": "dollar"}
	changed := false
	for _, p := range statements(c) {
		if p.policy["Version"] != "2012-10-17" {
			continue
		}
		changed = p.replace(false, func(string) bool { return true }, func(s string) string {
			for character, word := range words {
				s = strings.ReplaceAll(s, "${"+character+"}", word)
			}
			return s
		}) || changed
	}
	context, _ := c["request"].(object)["context"].(object)
	for key, value := range context {
		if text, ok := value.(string); ok && strings.EqualFold(key, oddKey) && words[text] != "" && changed {
			context[key] = words[text]
		}
	}
	return changed
}

// sessionNamed: what a resource policy grants a session by its own ARN is not limited
// by the session policy, which then may as well allow everything.
func sessionNamed(c object) bool {
	caller := request(c, "principal")
	if c["session"] == nil || !slices.ContainsFunc(statements(c), func(p place) bool {
		principal, _ := p.statement["Principal"].(object)
		return p.layer == "resource" && !p.denies() && slices.Contains(texts(principal["AWS"]), caller)
	}) {
		return false
	}
	p := c["session"].([]any)[0].(object)["policy"].(object)
	p["Statement"] = append(asList(p["Statement"]), clone(everything)["Statement"])
	return true
}
