-- A fixed job for lua: every table, string and closure comes from realloc.
local total = 0

local function tree(depth)
    if depth == 0 then return { leaf = true } end
    return { left = tree(depth - 1), right = tree(depth - 1) }
end

local function count(node)
    if node.leaf then return 1 end
    return count(node.left) + count(node.right)
end

for _ = 1, 12 do total = total + count(tree(14)) end

local words = {}
for i = 1, 120000 do
    local word = ("word" .. i * 7919 % 9973):rep(i % 4 + 1)
    words[word] = (words[word] or 0) + 1
end
local names = {}
for word in pairs(words) do names[#names + 1] = word end
table.sort(names)
for i = 1, #names, 5000 do print(names[i], words[names[i]]) end

local producers = {}
for i = 1, 2000 do
    producers[i] = coroutine.wrap(function()
        for step = 1, 10 do coroutine.yield({ i, step, tostring(i * step) }) end
    end)
end
for _ = 1, 10 do
    for i = 1, #producers do total = total + #producers[i]()[3] end
end
local parts = {}
for i = 1, 60000 do parts[#parts + 1] = string.format("%d:%x;", i, i * 31) end
print("total", total, #table.concat(parts))
