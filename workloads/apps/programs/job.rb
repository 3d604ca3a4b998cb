# A fixed job for ruby: objects of its own heap with what malloc holds for them: strings, arrays, hashes, matches.
records = (0...40_000).map { |i| { id: i, name: "record number #{i} of many more", tags: (1..i % 6).map { |k| "tag#{i * k % 101}" } } }
index = Hash.new { |hash, key| hash[key] = [] }
records.each { |record| record[:tags].each { |tag| index[tag] << record[:id] } }
total = index.sort.sum { |_, ids| ids.first + ids.size }
text = records.map { |record| "#{record[:name]}=#{record[:tags].join(',')};" }.join(' ')
counts = text.scan(/tag\d+/).tally
shouted = text.gsub(/tag(\d+)/) { "TAG#{Regexp.last_match(1).to_i * 2}" }
blocks = (1..20_000).map { |n| ->(x) { x + n } }
total += blocks.sum { |block| block.call(3) }
total += (1..300).reduce(:*).to_s.size
counts.sort_by { |tag, count| [-count, tag] }.first(5).each { |tag, count| puts "#{tag} #{count}" }
puts "total #{total} #{shouted.size}"
