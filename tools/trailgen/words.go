package main

import "fmt"

// word is a kind of thing that the fleet has several of.
type word struct {
	kind   string
	pool   int  // how many there are in a place
	global bool // in an account, rather than in one of its Regions
	text   func(s *scene, id, k uint64) string
}

// words are what templates may name, beside what the record itself knows.
func words() map[string]word {
	list := []word{
		ec2ID("instance", "i-0", 240), ec2ID("eni", "eni-0", 600), ec2ID("subnet", "subnet-0", 9), ec2ID("group", "sg-0", 40), ec2ID("vpc", "vpc-0", 2),
		ec2ID("image", "ami-0", 12), ec2ID("volume", "vol-0", 500), ec2ID("snapshot", "snap-0", 300), ec2ID("launch", "lt-0", 12), ec2ID("table-route", "rtb-0", 9),
		{kind: "key", pool: 30, text: func(_ *scene, id, _ uint64) string { return uuid(id) }},
		{kind: "session", pool: 1 << 20, text: func(_ *scene, id, _ uint64) string { return digits(id, hexDigits, 32) }},
		{kind: "task", pool: 180, text: func(_ *scene, id, _ uint64) string { return digits(id, hexDigits, 32) }},
		{kind: "digest", pool: 60, text: func(_ *scene, id, _ uint64) string {
			return "sha256:" + digits(id, hexDigits, 32) + digits(mix(id), hexDigits, 32)
		}},
		{kind: "ip", pool: 4000, text: func(_ *scene, id, _ uint64) string {
			return fmt.Sprintf("10.%d.%d.%d", id%200, id>>8%256, id>>16%250+4)
		}},
		{kind: "zone", pool: 3, text: func(s *scene, _, k uint64) string { return s.place.region.name + string(rune('a'+k)) }},
		{kind: "type", pool: 6, text: func(_ *scene, _, k uint64) string {
			return []string{"t3.medium", "m6i.large", "c6g.xlarge", "r6g.large", "m7g.large", "t4g.small"}[k]
		}},
		{kind: "bucket", pool: 40, global: true, text: named("lumora-%[1]s-%[2]s-%[3]d")},
		{kind: "app", pool: 36, global: true, text: named("%[2]s-%[1]s-%[3]d")},
		{kind: "table", pool: 24, text: named("%[1]s-%[2]s-records-%[3]d")},
		{kind: "queue", pool: 24, text: named("%[1]s-%[2]s-jobs-%[3]d")},
		{kind: "topic", pool: 16, text: named("%[2]s-events-%[1]s-%[3]d")},
		{kind: "function", pool: 60, text: func(s *scene, _, k uint64) string { return callerDraw{place: s.place}.functionName(int(k)) }},
		{kind: "role", pool: 36, global: true, text: func(s *scene, _, k uint64) string {
			what := []string{"node", "task", "pod"}[k/12]
			return callerDraw{place: s.place}.roleName(what, int(k%12))
		}},
		{kind: "cluster", pool: 4, text: named("%[1]s-%[2]s")},
		{kind: "repository", pool: 30, text: named("%[2]s/service-%[3]d")},
		{kind: "parameter", pool: 80, text: named("/lumora/%[1]s/%[2]s/setting-%[3]d")},
		{kind: "secret", pool: 40, text: named("%[1]s/%[2]s/database-%[3]d")},
		{kind: "stack", pool: 30, text: named("%[2]s-%[1]s-stack-%[3]d")},
		{kind: "loggroup", pool: 60, text: named("/aws/ecs/%[2]s-%[1]s-%[3]d")},
		{kind: "database", pool: 14, text: named("%[2]s-%[1]s-pg-%[3]d")},
		{kind: "alarm", pool: 60, text: named("%[2]s-%[1]s-latency-%[3]d")},
		{kind: "email", pool: 48, text: func(_ *scene, _, k uint64) string { return email(int(k)) }},
	}
	byKind := map[string]word{}
	for _, w := range list {
		byKind[w.kind] = w
	}
	return byKind
}

// ec2ID is a kind of EC2 resource.
func ec2ID(kind, prefix string, pool int) word {
	return word{kind: kind, pool: pool, text: func(_ *scene, id, _ uint64) string { return prefix + digits(id, hexDigits, 16) }}
}

// named makes names of the stage (1), the team (2) and a number (3).
func named(format string) func(s *scene, id, k uint64) string {
	return func(s *scene, _, k uint64) string {
		return fmt.Sprintf(format, s.place.account.name, team(k), k/12+1)
	}
}
