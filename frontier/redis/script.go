package redis

import (
	_ "embed"
	"regexp"
	"strings"

	goredis "github.com/redis/go-redis/v9"
)

//go:embed lib.lua
var lib string

//go:embed links.lua
var links string

//go:embed init.lua
var initLua string

//go:embed set.lua
var setLua string

//go:embed hold.lua
var holdLua string

//go:embed beat.lua
var beatLua string

//go:embed stats.lua
var statsLua string

//go:embed push.lua
var pushLua string

//go:embed lease.lua
var leaseLua string

//go:embed ack.lua
var ackLua string

var (
	initScript     = script(initLua)
	setScript      = script(setLua)
	holdScript     = script(holdLua)
	beatScript     = script(beatLua)
	statsScript    = script(statsLua)
	pushScript     = script(links, pushLua)
	leaseScript    = script(leaseLua)
	ackScript      = script(ackLua) // of URLs without links, which most are once the seen cache is warm
	ackLinksScript = script(links, ackLua)
)

// script is a Lua text behind the common part.
func script(parts ...string) *goredis.Script {
	return goredis.NewScript(foldConstants(lib + strings.Join(parts, "")))
}

var (
	constants = regexp.MustCompile(`(?m)^local ([A-Z_]+(?:, [A-Z_]+)*) = ([0-9]+(?:, [0-9]+)*)(?: *--.*)?$`)
	bigWord   = regexp.MustCompile(`[A-Z_]+`)
)

// foldConstants writes numbers in for the names of constants. Lua 5.1 has none: each would be a variable that every
// function made by a call of the script has to find, which took a third of the time of a short one.
func foldConstants(text string) string {
	value := map[string]string{}
	for _, line := range constants.FindAllStringSubmatch(text, -1) {
		numbers := strings.Split(line[2], ", ")
		for i, name := range strings.Split(line[1], ", ") {
			value[name] = numbers[i]
		}
	}
	text = constants.ReplaceAllString(text, "")
	return bigWord.ReplaceAllStringFunc(text, func(word string) string {
		if number, ok := value[word]; ok {
			return number
		}
		return word
	})
}
